/** JSON to an address of the config, which may hold a secret: nothing that is said of a failure repeats it. */
import { BackupError } from '../../model/errors.ts';
import { productVersion } from '../version.ts';

export interface PostRequest {
  readonly url: string;
  /** Who it is, at the start of a sentence. */
  readonly name: string;
  readonly body: object;
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/** @throws BackupError `unreachable`, also where the answer is no success. */
export async function postJson({ url, name, body, timeout, signal }: PostRequest): Promise<void> {
  const late = AbortSignal.timeout(timeout);
  const response = await post(url, JSON.stringify(body), AbortSignal.any([signal, late])).catch((error: unknown) => {
    throw notReached(name, late.aborted ? `no answer within ${timeout / 1000} s` : reasonOf(error));
  });
  if (!response.ok) throw notReached(name, `answered with status ${response.status}`);
}

async function post(url: string, body: string, signal: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'user-agent': `mosaic-backup/${productVersion}` };
  // A redirect would take it to where the config does not say.
  const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
  await response.body?.cancel();
  return response;
}

/** Its code alone: what fetch says in words repeats the address, which may hold a secret. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return error instanceof TypeError ? 'not an address that can be posted to, or a redirect' : 'it was cancelled';
}

function notReached(name: string, why: string): BackupError {
  return new BackupError('unreachable', `${name} was not reached: ${why}.`, {
    remedy: 'Look at its url in the config and at the service behind it; it is tried again.',
  });
}
