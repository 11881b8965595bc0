/** The one interface of all notifiers. */
import type { Alert } from '../../model/alert.ts';
import type { NotifierConfig } from '../../model/config/notify.ts';
import type { SecretReader } from '../config/secrets.ts';
import type { Work } from '../work.ts';

export interface Notifier {
  /** How messages name it: by its place in the config and its type, never by its address. */
  readonly name: string;
  /** Tells somebody. @throws BackupError without any secret of the config. */
  tell(alert: Alert, work: Work): Promise<void>;
}

export interface NotifierContext<Config extends NotifierConfig = NotifierConfig> {
  readonly name: string;
  readonly config: Config;
  readonly readSecret: SecretReader;
}
