/** `verify REF | latest | PATH`, or a whole place: are the bytes there, whole, and by whom it says. Needs no Temporal. */
import type { Command } from 'commander';
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import type { Problem } from '../../backups/overview.ts';
import type { WritableStore } from '../../../activities/storage/types.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import type { Verified } from '../verify-text.ts';

interface VerifyOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly deep?: boolean;
  readonly scratch?: string;
  readonly all?: boolean;
}

export function registerVerify(program: Command, cli: OpenCli): void {
  const verify = program
    .command('verify')
    .description(
      'check digests and signatures of a backup and of all that it builds on; exit status 9 when one is damaged, else 3 when --deep had nothing to check one with',
    )
    .argument(
      '[backup]',
      'a reference, "latest" (the newest of each source), or the folder of a backup; without it all that --destination holds',
    )
    .option('--all', 'everything in the repository, or at --destination: also what is missing there, or left over')
    .option('--source <name>', 'with "latest" or a whole place: only of this source')
    .option('--destination <name>', 'the copy there, rather than the one in the repository')
    .option('--deep', 'also decrypt, restore into scratch, and check what was restored')
    .option('--scratch <folder>', 'where --deep restores to for its checks; nothing stays there')
    .action((backup: string | undefined, options: VerifyOptions) => chooseCommand(cli(), backup, options));
  examples(verify, [
    ['verify latest', 'the newest backup of each source'],
    ['verify postgres/20261123 --destination vault', 'the copy at a destination'],
    ['verify --destination vault', 'everything there: damaged, missing, unlocked, wrongly signed, left over'],
    ['verify latest --source stack --deep', 'restore it as well, and compare'],
    ['verify /media/usb/20261123T020000Z-full', 'a copy that was carried here'],
  ]);
}

/** Backups at one place, each a chain of its own. */
interface Selected {
  readonly place: string;
  /** As evidence names it: null for the repository. */
  readonly destination: string | null;
  readonly store: WritableStore;
  readonly catalogue: readonly Catalogued[];
  readonly backups: readonly Catalogued[];
  /** What should be the newest backup of a source and is none, with "latest". */
  readonly unreadable: readonly Problem[];
}

async function chooseCommand(cli: Cli, backup: string | undefined, options: VerifyOptions): Promise<void> {
  if (backup !== undefined && !options.all) return verifyCommand(cli, backup, options);
  if (backup === undefined && (options.all || options.destination !== undefined)) {
    const { verifyWholePlace } = await import('../verify-place.ts');
    return verifyWholePlace(cli, options);
  }
  const { BackupError } = await import('../../../model/errors.ts');
  const both = backup !== undefined;
  throw new BackupError('usage', both ? '--all goes without a backup.' : 'What is to be verified?', {
    remedy: 'Name a backup, or "latest"; or everything: --destination NAME, or --all for the repository.',
  });
}

async function verifyCommand(cli: Cli, backup: string, options: VerifyOptions): Promise<void> {
  const [{ exitStatus }, { formatReference }, { frozenText, verdictText }] = await Promise.all([
    import('../../../model/errors.ts'),
    import('../../../model/reference.ts'),
    import('../verify-text.ts'),
  ]);
  const site = await cli.site();
  const selected = await select(cli, site, backup, options);
  const verified: Verified[] = [];
  const frozen: string[] = [];
  for (const { target, deep } of await targets(selected)) {
    const one = await verifyOne(cli, site, selected, {
      target,
      deep: deep && (options.deep ?? false),
      scratch: options.scratch,
    });
    if (one === 'frozen') {
      frozen.push(formatReference(target.name));
      continue;
    }
    verified.push({
      reference: formatReference(target.name),
      ...one,
      damagedParent: damagedParentOf(target, verified),
    });
  }
  const { unreadable } = selected;
  const ok = unreadable.length === 0 && verified.every(({ found }) => found.verdict === 'ok');
  const backups = verified.map(({ reference, found, damagedParent, unchecked }) => ({
    reference,
    damagedParent,
    unchecked,
    verdict: found.verdict,
    checks: found.checks,
    time: found.time,
    recorded: found.recorded,
    unrecorded: found.unrecorded,
  }));
  const good = frozen.length > 0 ? 'frozen' : 'ok';
  cli.out.result({ place: selected.place, verdict: ok ? good : 'failed', backups, frozen, unreadable }, () =>
    [
      ...unreadable.map(({ place, problem }) => `${place}: ${cli.out.style('red', 'DAMAGED')}: ${problem}`),
      ...verified.map((one) => verdictText(cli, selected.place, one)),
      ...frozenText(cli, selected, frozen),
    ].join('\n'),
  );
  if (!ok) cli.exitWith(exitStatus('verification-failed'));
  else if (frozen.length > 0) cli.exitWith(exitStatus('frozen'));
  else if (verified.some(({ unchecked }) => unchecked)) cli.exitWith(exitStatus('partial'));
}

/** Parents are verified before their children: what is wrong with one passes on from child to child. */
function damagedParentOf({ manifest }: Catalogued, before: readonly Verified[]): string | null {
  const parent = before.find(({ reference }) => reference === manifest.parent?.reference);
  if (parent === undefined) return null;
  return parent.found.verdict === 'ok' ? parent.damagedParent : parent.reference;
}

async function select(cli: Cli, site: Site, wanted: string, options: VerifyOptions): Promise<Selected> {
  const [{ openStandalone }, { readOverview }, choose, { openPlace }, { placeOption }, path] = await Promise.all([
    import('../../backups/standalone.ts'),
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../backups/places.ts'),
    import('../place-option.ts'),
    import('node:path'),
  ]);
  if (wanted.startsWith('/') || wanted.startsWith('.')) {
    const folder = path.resolve(cli.cwd, wanted);
    const opened = await openStandalone(folder);
    if (opened)
      return {
        place: folder,
        destination: null,
        store: opened.store,
        catalogue: opened.catalogue,
        backups: [opened.backup],
        unreadable: [],
      };
    const { BackupError } = await import('../../../model/errors.ts');
    throw new BackupError('not-found', `${folder} is no backup: it has no manifest.json.`, {
      remedy: 'Name the folder in which the manifest.json of a backup lies.',
    });
  }
  const destination = placeOption(options.destination) ?? null;
  const [overview, place] = await Promise.all([readOverview(site, destination), openPlace(site, destination)]);
  choose.requireSource(site, overview, options.source);
  const entries =
    wanted === choose.LATEST_REFERENCE
      ? choose.newestOfEachSource(overview, options.source)
      : [choose.chooseByReference(overview, wanted, options.source)];
  const unreadable = wanted === choose.LATEST_REFERENCE ? choose.unreadableNewest(overview, options.source) : [];
  if (entries.length === 0 && unreadable.length === 0) throw await nothingThere(place.name, options.source);
  return {
    place: place.name,
    destination,
    store: place.store,
    catalogue: overview.entries.map(({ backup }) => backup),
    backups: entries.map(({ backup }) => backup),
    unreadable,
  };
}

async function nothingThere(place: string, source: string | undefined): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  const of = source === undefined ? '' : ` of "${source}"`;
  return new BackupError('not-found', `There is no backup${of} at ${place}.`, {
    remedy: 'See `mosaic-backup list` for what there is.',
  });
}

/** Each backup with what it builds on, once each, parents first. Only those that were asked for are restored by --deep. */
async function targets({
  backups,
  catalogue,
}: Selected): Promise<readonly { readonly target: Catalogued; readonly deep: boolean }[]> {
  const { chainOf } = await import('../../../activities/storage/catalogue.ts');
  const { BackupError } = await import('../../../model/errors.ts');
  function chain(backup: Catalogued): readonly Catalogued[] {
    try {
      return chainOf(catalogue, backup);
    } catch (error) {
      // A broken chain is a finding of the verification itself, which names what is wrong with it.
      if (error instanceof BackupError) return [backup];
      throw error;
    }
  }
  return [...new Set(backups.flatMap(chain))].map((target) => ({ target, deep: backups.includes(target) }));
}

interface One {
  readonly target: Catalogued;
  readonly deep: boolean;
  readonly scratch: string | undefined;
}

/** `frozen`: all that could be looked at is right, and the rest lies in cold storage. */
async function verifyOne(
  cli: Cli,
  site: Site,
  selected: Selected,
  one: One,
): Promise<Pick<Verified, 'found' | 'unchecked'> | 'frozen'> {
  try {
    return await verifyReadable(cli, site, selected, one);
  } catch (error) {
    const { BackupError } = await import('../../../model/errors.ts');
    if (error instanceof BackupError && error.code === 'frozen') return 'frozen';
    throw error;
  }
}

async function verifyReadable(
  cli: Cli,
  site: Site,
  { store, destination, catalogue }: Selected,
  { target, deep, scratch }: One,
): Promise<Pick<Verified, 'found' | 'unchecked'>> {
  const [{ verifyBackup }, { tmpdir }, path] = await Promise.all([
    import('../../../activities/operations/verify.ts'),
    import('node:os'),
    import('node:path'),
  ]);
  const work = await cli.work();
  const request = { site, store, destinationName: destination, backup: target, catalogue, work };
  if (!deep) return { found: await verifyBackup(request), unchecked: false };
  const [{ proveBackup }, { chainOf }] = await Promise.all([
    import('../../../activities/operations/restore.ts'),
    import('../../../activities/storage/catalogue.ts'),
  ]);
  const within = scratch === undefined ? tmpdir() : path.resolve(cli.cwd, scratch);
  let looked = false;
  const found = await verifyBackup({
    ...request,
    deep: async (work) => {
      const checks = await proveBackup({ site, store, chain: chainOf(catalogue, target), within, work });
      looked = checks.some(({ compared }) => compared);
      return checks;
    },
  });
  // Of what is damaged already nothing more is to be said.
  return { found, unchecked: !looked && found.verdict === 'ok' };
}
