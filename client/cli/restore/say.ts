/** What `restore` says before it begins. */
import type { Selected } from '../../../activities/operations/browse/select.ts';
import { showPath } from '../../../activities/sources/files/names.ts';
import type { Manifest, Warning } from '../../../model/manifest.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { ageText } from '../../backups/young.ts';
import type { Cli } from '../context.ts';
import type { Chosen } from './choose.ts';
import type { FolderPlan } from './plan.ts';

/** How old it is, and what is newer but not used. */
export function sayAge({ out }: Cli, { latest }: Chosen): void {
  if (latest === null) return;
  const { entry, age, newer, verified } = latest;
  out.note(`${entry.reference} is ${ageText(age)}`);
  if (!verified) out.note('No check of it is on record here; the restore itself looks at every byte.');
  for (const what of newer) out.note(`newer, but not used: ${what}`);
}

/** Before anything is fetched: what will be used, from where, and how much it is. */
export function sayReplay(
  { out }: Cli,
  { reference, chain, replay, told = [] }: Chosen,
  from: string,
  bytes: string,
): void {
  if (replay === null) return;
  for (const what of told) out.note(what);
  const count = replay.logs.length === 1 ? 'one backup' : `${replay.logs.length} backups`;
  const ids = new Set([replay.logs[0], replay.logs.at(-1)].map((entry) => entry?.name.id ?? ''));
  const logs = replay.logs.length === 0 ? '' : `, and ${count} of logs (${[...ids].join(' to ')})`;
  const base = chain.length > 1 ? `${reference} with the ${chain.length - 1} that it builds on` : reference;
  out.note(`from ${from}: ${base}${logs}; ${bytes} to fetch`);
  const end = endOf({ replay });
  if (replay.target.kind === 'end' && end !== null) out.note(`the logs end at ${end}`);
}

/** Where to, how much at most, and how long it will take by what was measured. */
export function sayPlan(
  { out }: Cli,
  { chosen, newest, place, to, paths, selected, fetched, plain, expected }: FolderPlan,
): void {
  if (chosen.replay === null) out.note(`from ${place.name}: ${chosen.reference}; ${formatBytes(fetched)} to fetch`);
  // Of single paths what is said is of them.
  for (const { message } of paths.length === 0 ? partialOf(newest) : []) out.note(`the backup is partial: ${message}`);
  if (selected) out.note(selectedText(selected));
  if (selected && selected.unsettled.length > 0) out.note(unsettledText(selected));
  const only = paths.length === 0 ? '' : ', only what --path names';
  const time = expected === null ? '' : `; expected to take ${formatDuration(expected)}, as restores from there did`;
  out.note(`to ${to}: ${formatBytes(plain)} at most${only}${time}`);
}

/** What it could not capture whole. */
export function partialOf({ warnings }: Manifest): readonly Warning[] {
  return warnings.filter(({ partial }) => partial);
}

/** Names that are written out; `browse` lists all. */
const NAMED = 10;

function selectedText({ entries, bytes, tops }: Selected): string {
  return `--path means ${entries} ${entries === 1 ? 'entry' : 'entries'} (${formatBytes(bytes)}): ${named(tops)}`;
}

function unsettledText({ unsettled }: Selected): string {
  return `of these, changed or not readable while captured, so as they were read or not there at all: ${named(unsettled)}`;
}

function named(paths: readonly string[]): string {
  const more = paths.length > NAMED ? `, and ${paths.length - NAMED} more` : '';
  return `${paths.slice(0, NAMED).map(showPath).join(', ')}${more}`;
}

/** RFC 3339: until when the logs to be replayed reach; null where there are none. */
export function endOf({ replay }: Pick<Chosen, 'replay'>): string | null {
  return replay?.logs.at(-1)?.manifest.coversUntil ?? null;
}
