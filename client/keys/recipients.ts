/** Who can open what is made from now on: recipients are added to the config and retired from it. */
import { editConfig, itemsAdded, itemRemoved } from '../../activities/config/edit.ts';
import type { Environment } from '../../activities/config/interpolate.ts';
import { surveyKeys, type SurveyedPlace } from '../../activities/operations/keys/survey.ts';
import type { Holder } from '../../activities/keys/wrap.ts';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import { isRecipient } from '../../model/keys.ts';

const AT = ['encryption', 'recipients'] as const;
/** So many backups are named in a message. */
const NAMED = 5;

export interface Editing {
  readonly site: Site;
  readonly env: Environment;
  readonly recipient: string;
}

/** @throws BackupError `usage` for what is no recipient, `conflict` for one that is there already. */
export async function addRecipient({ site, env, recipient }: Editing): Promise<readonly string[]> {
  requireRecipient(recipient);
  const before = site.config.encryption.recipients;
  if (before.includes(recipient)) {
    throw new BackupError('conflict', `${site.file} names ${recipient} already. Nothing was changed.`, {
      remedy: 'Backups that were made before it was added are opened to it by `mosaic-backup keys rotate`.',
    });
  }
  const after = [...before, recipient];
  await editConfig({
    file: site.file,
    env,
    edits: (editing) => [itemsAdded(editing, AT, [recipient])],
    wanted: ({ encryption }) => same(encryption.recipients, after),
  });
  return after;
}

export interface Retiring extends Editing {
  /** With which it is seen whom each backup opens for. */
  readonly holders: readonly Holder[];
  readonly signal: AbortSignal;
}

/**
 * @throws BackupError `not-found`, `refused` where fewer than two would be left, where some backup opens for nobody else, or where
 *   that cannot be told. Nothing is changed then.
 */
export async function retireRecipient(request: Retiring): Promise<readonly string[]> {
  const { site, env, recipient } = request;
  const before = site.config.encryption.recipients;
  if (!before.includes(recipient)) {
    throw new BackupError('not-found', `${site.file} does not name ${recipient}.`, {
      remedy: `It names: ${before.join(', ')}.`,
    });
  }
  const after = before.filter((each) => each !== recipient);
  if (after.length < 2) {
    throw new BackupError('refused', 'Fewer than two recipients would be left. Nothing was changed.', {
      remedy: 'Add another one first: mosaic-backup keys new FILE, then mosaic-backup keys add RECIPIENT.',
    });
  }
  await requireOthersOpen(request, after);
  await editConfig({
    file: site.file,
    env,
    edits: (editing) => [itemRemoved(editing, AT, recipient)],
    wanted: ({ encryption }) => same(encryption.recipients, after),
  });
  return after;
}

/** Every backup at every place is shown to open for somebody who stays. */
async function requireOthersOpen(
  { site, holders, recipient, signal }: Retiring,
  after: readonly string[],
): Promise<void> {
  const places = await surveyKeys({ site, holders, recipients: after, problems: false, signal });
  requireLookedAt(places);
  // A wrap that opens for nobody at all, because it is damaged, is not lost by this.
  const open = places.flatMap(({ keys }) => keys.filter(({ unopened }) => unopened?.code !== 'verification-failed'));
  const alone = open.filter(({ opens }) => opens.length === 0);
  if (alone.length === 0) return;
  const named = alone.slice(0, NAMED).map(({ place, reference }) => `${reference} at ${place}`);
  const more = alone.length > NAMED ? ` and ${alone.length - NAMED} more` : '';
  throw new BackupError(
    'refused',
    `Nothing at hand shows that anybody but ${recipient} can open ${named.join(', ')}${more}. Nothing was changed.`,
    {
      remedy:
        `Run \`mosaic-backup keys rotate\` first: it opens them to all recipients of the config. ${alone.some(({ unopened }) => unopened) ? 'It needs an identity that opens them: --identity FILE.' : ''}`.trim(),
      facts: { backups: alone.map(({ place, reference }) => `${place}:${reference}`) },
    },
  );
}

function requireLookedAt(places: readonly SurveyedPlace[]): void {
  const away = places.find((each) => each.away !== null);
  if (!away) return;
  throw new BackupError(
    'unreachable',
    `${away.place} could not be looked at: ${away.away?.message ?? ''} Nothing was changed.`,
    {
      remedy: `${away.away?.remedy ?? ''} What lies there may open for this recipient alone.`.trim(),
    },
  );
}

function requireRecipient(text: string): void {
  if (isRecipient(text)) return;
  // What stands there may be an identity: it is not repeated.
  throw new BackupError('usage', 'That is no age recipient. Nothing was changed.', {
    remedy: /^AGE-SECRET-KEY-/i.test(text)
      ? 'It is an identity, which is secret and now stands in the history of your shell: make a new one with `mosaic-backup keys new FILE`.'
      : 'A recipient begins with age1 and has 62 characters; `mosaic-backup keys new FILE` prints that of a new identity.',
  });
}

function same(one: readonly string[], two: readonly string[]): boolean {
  return one.length === two.length && one.every((each) => two.includes(each));
}
