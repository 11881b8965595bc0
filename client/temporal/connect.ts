/** Connections to Temporal for clients. */
import { Connection, isGrpcServiceError } from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { CHANNEL } from './channel.ts';
import type { Endpoint } from './endpoint.ts';
import { whyTlsFails } from './handshake.ts';
import { retries } from './retries.ts';

/**
 * Connects, and waits until the server answers for the namespace.
 * @throws BackupError `unreachable`, `access-denied`, or `config` for a namespace that there is not.
 */
export async function connect(endpoint: Endpoint): Promise<Connection> {
  const options = { ...endpoint.connection, ...(await endpoint.credentials?.()) };
  const connection = await answered(endpoint, () => soonest(options));
  try {
    const { namespace } = endpoint;
    await answered(endpoint, () => connection.workflowService.describeNamespace({ namespace }));
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function answered<T>(endpoint: Endpoint, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw asBackupError(error, endpoint);
  }
}

/** Where TLS cannot be agreed on, that is said at once, and not after gRPC has tried it again for seconds. */
async function soonest(options: NativeConnectionOptions): Promise<Connection> {
  const connecting = Connection.connect({
    ...options,
    channelArgs: CHANNEL,
    connectTimeout: 5000,
    interceptors: [retries()],
  });
  // Nobody waits for it when the handshake was quicker to fail.
  connecting.catch(() => undefined);
  const why = await Promise.race([connecting.then(() => null), whyTlsFails(options)]);
  if (why === null) return connecting;
  connecting.then((late) => late.close()).catch(() => undefined);
  throw new BackupError('unreachable', `Temporal at ${options.address} and this client do not agree on TLS: ${why}`, {
    remedy:
      "Look at temporal.tls: ca is who signed the server's certificate, cert and key are what it lets in, serverName is the name in its certificate.",
  });
}

/** Codes of gRPC that mean more than that there is no answer. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;
const UNAUTHENTICATED = 16;

function asBackupError(error: unknown, { connection, namespace }: Endpoint): BackupError {
  if (error instanceof BackupError) return error;
  const at = connection.address ?? 'its default address';
  const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
  if (code === NOT_FOUND)
    return new BackupError('config', `Temporal at ${at} has no namespace "${namespace}"`, {
      remedy: `Make it, "temporal operator namespace create --address ${at} --namespace ${namespace}", or set another: temporal.namespace, or TEMPORAL_NAMESPACE.`,
      cause: error,
    });
  if (code === PERMISSION_DENIED || code === UNAUTHENTICATED)
    return new BackupError('access-denied', `Temporal at ${at} does not let this client into "${namespace}"`, {
      remedy: "Look at the API key or the certificate in Temporal's own profile or variables (TEMPORAL_API_KEY).",
      cause: error,
    });
  if (code === UNIMPLEMENTED)
    return new BackupError('unreachable', `what answers at ${at} is no Temporal server`, {
      remedy: 'Set the address of its gRPC port, which is 7233 by default; the Web UI has another.',
      cause: error,
    });
  return new BackupError('unreachable', `Temporal does not answer at ${at}`, {
    remedy:
      'Look whether it runs, and at "temporal" in the config (or TEMPORAL_ADDRESS). "restore" and "verify" work without it.',
    cause: error,
  });
}
