/** The registry of notifier types. */
import type { NotifierConfig } from '../../model/config/notify.ts';
import { commandNotifier } from './command.ts';
import type { Notifier, NotifierContext } from './types.ts';
import { webhookNotifier } from './webhook.ts';

type ConfigOf<Type> = Extract<NotifierConfig, { readonly type: Type }>;

/** Every notifier type, one line each. */
const TYPES: {
  readonly [Type in NotifierConfig['type']]: (context: NotifierContext<ConfigOf<Type>>) => Notifier;
} = {
  webhook: webhookNotifier,
  command: commandNotifier,
};

/** A notifier from its config. */
export function makeNotifier(context: NotifierContext): Notifier {
  // The registry gives each type the maker of just this type, which TypeScript cannot follow.
  const make = TYPES[context.config.type] as (context: NotifierContext) => Notifier;
  return make(context);
}
