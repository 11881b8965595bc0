/** `restore … --key PATTERN --into SERVER`: keys of a Redis backup into a running server. */
import { keysServer, withKeysPlan, type KeysPlan } from '../../../activities/operations/restore-keys.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatBytes, formatDuration } from '../../../model/units.ts';
import { openPlace } from '../../backups/places.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import { choose } from './choose.ts';
import { carryOutInto, intoOf, requireOn } from './into-carry-out.ts';
import { password } from './into-server.ts';
import type { RestoreOptions } from './options.ts';
import { sayAge } from './say.ts';

export async function restoreKeysInto(
  cli: Cli,
  wanted: string,
  options: RestoreOptions & { readonly key: string },
): Promise<void> {
  const { key: pattern, replace = false } = options;
  if (pattern === '') throw new BackupError('usage', '--key is empty.', { remedy: 'All keys are --key "*".' });
  const database = numberOf(options.database ?? '0');
  const settings = await intoOf(cli, options);
  await requireOn(cli, options);
  const site = await cli.site();
  const destination = placeOption(options.from) ?? null;
  const place = await openPlace(site, destination);
  const chosen = await choose(site, destination, wanted, options);
  const { source, type } = chosen.chain.at(-1)?.manifest ?? {};
  if (source === undefined || type !== 'redis')
    throw new BackupError('usage', `--key is for Redis; this is a backup of type ${type}.`, {
      remedy: 'Of databases with tables: --database and --table; of files: --path.',
    });
  sayAge(cli, chosen);
  const { chain, reference } = chosen;
  const began = Date.now();
  const requestHere = async () => {
    const into = keysServer(site, source, { settings, password: await password(cli, site, options) });
    const work = await cli.work();
    return { site, store: place.store, chain, source, pattern, database, into, replace, work };
  };
  // With --on it is that host that has the password, and reaches the server.
  const request = options.on === undefined || options.dryRun ? await requestHere() : undefined;
  const facts = { reference, from: place.name, database, pattern };
  if (options.dryRun) {
    await withKeysPlan(request ?? (await requestHere()), async (plan) => {
      const { keys, taken } = plan;
      cli.out.result(
        { dryRun: true, ...facts, keys: keys.length, taken: taken.length, names: keys.slice(0, NAMED) },
        () => planText('would restore', plan),
      );
    });
    return;
  }
  cli.out.note(`keys "${pattern}" of database ${database}, out of ${reference} from ${place.name}`);
  const what = { kind: 'keys', database, pattern } as const;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a restore without a backup');
  const { keys } = await carryOutInto(cli, { backup, what, into: settings }, options, async () =>
    withKeysPlan(request ?? (await requestHere()), async (plan) => {
      cli.out.note(planText('restoring', plan));
      const { keys: restored, ...moved } = await plan.carryOut();
      const put = { meant: plan.keys.length, taken: plan.taken.length, restored, ...moved };
      return { milliseconds: Date.now() - began, keys: put };
    }),
  );
  const { meant = 0, taken = 0, restored = 0, bytes = 0, lapsed = 0, kept = 0 } = keys ?? {};
  const milliseconds = Date.now() - began;
  cli.out.result({ ...facts, keys: meant, taken, restored, bytes, lapsed, kept, milliseconds }, () =>
    [
      `${restored} keys (${formatBytes(bytes)}) are restored from ${reference} at ${place.name}, in ${formatDuration(milliseconds)}`,
      ...(kept > 0
        ? [`${kept} have changed since an attempt that was cut off may have sent them, and stay as they are`]
        : []),
      ...(lapsed > 0 ? [`${lapsed} had come to the end of their TTL meanwhile`] : []),
    ].join('\n'),
  );
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
