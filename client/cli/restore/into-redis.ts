/** `restore … --key PATTERN --into SERVER`: keys of a Redis backup into a running server. */
import { withKeysPlan, type KeysPlan } from '../../../activities/operations/restore-keys.ts';
import type { Site } from '../../../activities/site.ts';
import type { Connection } from '../../../activities/sources/redis/connection.ts';
import { BackupError } from '../../../model/errors.ts';
import { parseInto } from '../../../model/into.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { openPlace } from '../../backups/places.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import { choose } from './choose.ts';
import { password } from './into-server.ts';
import type { RestoreOptions } from './options.ts';
import { sayAge } from './say.ts';

export async function restoreKeysInto(
  cli: Cli,
  wanted: string,
  options: RestoreOptions & { readonly key: string },
): Promise<void> {
  const { key: pattern, replace = false } = options;
  const database = numberOf(options.database ?? '0');
  const site = await cli.site();
  const destination = placeOption(options.from) ?? null;
  const place = await openPlace(site, destination);
  const chosen = await choose(site, destination, wanted, options);
  const { source, type } = chosen.chain.at(-1)?.manifest ?? {};
  if (source === undefined || type !== 'redis')
    throw new BackupError('usage', `--key is for Redis; this is a backup of type ${type}.`, {
      remedy: 'Of databases with tables: --database and --table; of files: --path.',
    });
  const into = await serverOf(cli, site, source, options);
  sayAge(cli, chosen);
  const { chain, reference } = chosen;
  const began = Date.now();
  const work = await cli.work();
  const request = { site, store: place.store, chain, source, pattern, database, into, replace, work };
  await withKeysPlan(request, async (plan) => {
    const facts = { reference, from: place.name, database, pattern, keys: plan.keys.length, taken: plan.taken.length };
    if (options.dryRun) {
      cli.out.result({ dryRun: true, ...facts, names: plan.keys.slice(0, NAMED) }, () =>
        planText('would restore', plan),
      );
      return;
    }
    cli.out.note(planText('restoring', plan));
    const { keys, bytes, lapsed } = await plan.carryOut();
    const milliseconds = Date.now() - began;
    cli.out.result({ ...facts, restored: keys, bytes, lapsed, milliseconds }, () =>
      [
        `${keys} keys (${formatBytes(bytes)}) are restored from ${reference} at ${place.name}, in ${formatDuration(milliseconds)}`,
        ...(lapsed > 0 ? [`${lapsed} had come to the end of their TTL meanwhile`] : []),
      ].join('\n'),
    );
  });
}

/** Names that are written out. */
const NAMED = 20;

function planText(how: string, { keys, taken }: KeysPlan): string {
  const more = keys.length > NAMED ? [`  … and ${keys.length - NAMED} more`] : [];
  const there = taken.length > 0 ? `, of which the server has ${taken.length}` : '';
  return [`${how} ${keys.length} keys${there}:`, ...keys.slice(0, NAMED).map((key) => `  ${key}`), ...more].join('\n');
}

function numberOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new BackupError('usage', `"${text}" is no database of Redis: they are numbers, from 0.`);
}

