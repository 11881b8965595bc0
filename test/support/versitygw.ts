/** A real S3 server of a test's own: versitygw over a folder. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { homedir } from 'node:os';
import path from 'node:path';
import { S3 } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { AwsCredentials } from '../../model/config/destinations/aws.ts';
import { listens } from '../../infra/quickstart/sample/ports.ts';
import { temporaryFolder } from './folders.ts';
import { freePort } from './ports.ts';
import { until } from './until.ts';

export interface Gateway {
  /** `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** `127.0.0.1:<port>`, for a proxy. */
  readonly address: string;
  /** The folder of the buckets: one folder each. */
  readonly root: string;
  /** Who may do everything. */
  readonly admin: S3;
  /** As whom an account of `makeUser` is known. The test destroys it. */
  clientOf(user: string): Promise<S3>;
  /** Makes an account that may do nothing by itself, and returns its name. */
  makeUser(): Promise<string>;
  /** Waits until it has ended; `start` begins it again at the same address. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

const ROOT = { accessKeyId: 'root-of-tests', secretAccessKey: 'secret-of-the-root-of-tests' };
/** The secret of every account of tests. */
const SECRET = 'secret-of-a-user-of-tests';

const running = new Set<ChildProcess>();

export interface GatewayOptions {
  /** Existing folder that all of it lies in; a new one when absent. */
  readonly folder?: string;
  /** Files in PEM: then it speaks TLS. */
  readonly certificate?: { readonly key: string; readonly certificate: string };
}

/** Starts a gateway over a folder. It keeps versions in buckets that ask for it. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { certificate } = options;
  const folder = options.folder ?? (await folderWithAttributes());
  const [root, versions, accounts, attributes] = ['buckets', 'versions', 'accounts', 'attributes'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string, string]; // as many as names
  await Promise.all([root, versions, accounts, attributes].map((each) => mkdir(each)));
  const port = await freePort();
  const endpoint = `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`;
  const tls = certificate ? ['--cert', certificate.certificate, '--key', certificate.key] : [];
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const gateway = await program();
    const options = ['--port', `127.0.0.1:${port}`, '--iam-dir', accounts, '--quiet', ...tls];
    // What it keeps beside an object: in attributes of the file, or in files of their own, which lose those of versions.
    const beside = hasAttributes(folder) ? [] : ['--sidecar', attributes];
    const backend = ['posix', ...beside, '--versioning-dir', versions, root];
    child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', gateway, ...options, ...backend], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { PATH: process.env['PATH'], ROOT_ACCESS_KEY: ROOT.accessKeyId, ROOT_SECRET_KEY: ROOT.secretAccessKey },
    });
    running.add(child);
    await until('versitygw listens', () => listens(port));
  }
  await start();
  return {
    endpoint,
    address: `127.0.0.1:${port}`,
    root,
    start,
    admin: await clientOf(endpoint, ROOT, certificate?.certificate),
    clientOf: (user) => clientOf(endpoint, { accessKeyId: user, secretAccessKey: SECRET }),
    async makeUser() {
      const name = `user-${Math.random().toString(36).slice(2)}`;
      const admin = spawn(
        await program(),
        ['admin', 'create-user', '--access', name, '--secret', SECRET, '--role', 'user'],
        {
          stdio: ['ignore', 'ignore', 'inherit'],
          env: {
            PATH: process.env['PATH'],
            ADMIN_ACCESS_KEY_ID: ROOT.accessKeyId,
            ADMIN_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
            ADMIN_ENDPOINT_URL: endpoint,
            ADMIN_REGION: 'us-east-1',
          },
        },
      );
      const [code] = (await once(admin, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`versitygw admin create-user ended with ${code}`);
      return name;
    },
    async stop() {
      if (child) await end(child);
    },
  };
}

/** The tmpfs of older kernels has no attributes for users; disks have. */
async function folderWithAttributes(): Promise<string> {
  const folder = await temporaryFolder();
  return hasAttributes(folder) ? folder : temporaryFolder({ onDisk: true });
}

function hasAttributes(folder: string): boolean {
  return spawnSync('setfattr', ['--name', 'user.of-tests', '--value', 'x', folder]).status === 0;
}

/** Ends every gateway. Call it in `after`, before the folders are removed. */
export async function stopGateways(): Promise<void> {
  for (const child of running) await end(child);
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Credentials as a config names them: by variables, which children inherit. */
export function credentialsOf(user?: string): AwsCredentials {
  const name = user ?? ROOT.accessKeyId;
  const variable = `TEST_S3_${name.replaceAll(/[^a-z0-9]/gi, '_')}`.toUpperCase();
  process.env[variable] = name;
  process.env[`${variable}_SECRET`] = user === undefined ? ROOT.secretAccessKey : SECRET;
  return { accessKeyId: { env: variable }, secretAccessKey: { env: `${variable}_SECRET` } };
}

/** The same of who may do everything, in files: for the command line, which has no variables of the test. */
export async function credentialFiles(folder: string): Promise<AwsCredentials> {
  const [id, secret] = [path.join(folder, 's3-key-id'), path.join(folder, 's3-secret')] as const;
  await writeFile(id, `${ROOT.accessKeyId}\n`, { mode: 0o600 });
  await writeFile(secret, `${ROOT.secretAccessKey}\n`, { mode: 0o600 });
  return { accessKeyId: { file: id }, secretAccessKey: { file: secret } };
}

async function clientOf(endpoint: string, credentials: typeof ROOT, ca?: string): Promise<S3> {
  const agent = new Agent(ca === undefined ? {} : { ca: await readFile(ca) });
  const requestHandler = new NodeHttpHandler({ httpsAgent: agent });
  return new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials, requestHandler });
}

/** As the set-up exports it, or where it keeps it. */
async function program(): Promise<string> {
  const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'mosaic-backup');
  const file = process.env['VERSITYGW'] ?? path.join(cache, 'versitygw-1.8.0');
  await stat(file).catch((error: unknown) => {
    throw new Error(`versitygw is not in ${file}: run "sh infra/bootstrap/run.sh setup test"`, { cause: error });
  });
  return file;
}
