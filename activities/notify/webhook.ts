/** The notifier type `webhook`: the alert as JSON, posted. */
import type { WebhookNotifier } from '../../model/config/notify.ts';
import { postJson } from './post.ts';
import type { Notifier, NotifierContext } from './types.ts';

export function webhookNotifier({ name, config, readSecret }: NotifierContext<WebhookNotifier>): Notifier {
  return {
    name,
    async tell(alert, { signal }) {
      const url = typeof config.url === 'string' ? config.url : await readSecret(config.url);
      await postJson({ url, name: `The webhook ${name}`, body: alert, timeout: config.timeout, signal });
    },
  };
}
