/** The notifier type `webhook`: the alert as JSON, posted. */
import type { WebhookNotifier } from '../../model/config/notify.ts';
import { BackupError } from '../../model/errors.ts';
import type { Notifier, NotifierContext } from './types.ts';
import { productVersion } from '../version.ts';

export function webhookNotifier({ name, config, readSecret }: NotifierContext<WebhookNotifier>): Notifier {
  return {
    name,
    async tell(alert, { signal }) {
      const url = typeof config.url === 'string' ? config.url : await readSecret(config.url);
      const late = AbortSignal.timeout(config.timeout);
      const response = await post(url, JSON.stringify(alert), AbortSignal.any([signal, late])).catch(
        (error: unknown) => {
          throw notReached(name, late.aborted ? `no answer within ${config.timeout / 1000} s` : reasonOf(error));
        },
      );
      if (!response.ok) throw notReached(name, `answered with status ${response.status}`);
    },
  };
}

async function post(url: string, body: string, signal: AbortSignal): Promise<Response> {
  const headers = { 'content-type': 'application/json', 'user-agent': `mosaic-backup/${productVersion}` };
  // A redirect would take the alert to where the config does not say.
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
  return new BackupError('unreachable', `The webhook ${name} was not reached: ${why}.`, {
    remedy: 'Look at its url in the config and at the service behind it; the alert is tried again with the next tick.',
  });
}
