/**
 * `copies repair`: what is damaged or lacking at one place comes from another that verifies. Needs no Temporal.
 * `copies thaw`: what lies frozen in cold storage is brought back.
 * `copies inventory`: what a vault itself says that it holds.
 */
import type { Command } from 'commander';
import type { Repaired } from '../../../activities/operations/repair/types.ts';
import type { Candidate } from '../../backups/repairs.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';
import type { InventoryOptions } from '../copies/inventory.ts';
import type { ThawOptions } from '../copies/thaw.ts';

interface RepairOptions {
  readonly source?: string;
  readonly from?: string;
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

export function registerCopies(program: Command, cli: OpenCli): void {
  const copies = program.command('copies').description('copies of backups, and what is wrong with them');
  const repair = copies
    .command('repair')
    .description(
      'put right what is damaged or lacking at one place, from another that verifies; prints its plan, and changes something with --yes only; exit status 9 when something stays damaged',
    )
    .argument(
      '[reference...]',
      'only these backups, with what they build on, each read whole; else what checks and listings show',
    )
    .option('--source <name>', 'without references: only backups of this source')
    .option('--from <destination>', 'take good ones from there only ("repository" for the repository)')
    .option('--to <destination>', 'repair there only ("repository" for the repository)')
    .option('--dry-run', 'print what would be done, and do nothing: as without --yes')
    .option('--yes', 'do it')
    .action((references: readonly string[], options: RepairOptions) => repairCommand(cli(), references, options));
  examples(repair, [
    ['verify --destination vault', 'find what is damaged there, first'],
    ['copies repair --to vault', 'what would be put right there, and from where'],
    ['copies repair --to vault --yes', 'do it'],
    ['copies repair postgres/20261123 --to repository --from vault --yes', 'bring a backup back'],
  ]);
  registerThaw(copies, cli);
  registerInventory(copies, cli);
}

function registerInventory(copies: Command, cli: OpenCli): void {
  const inventory = copies
    .command('inventory')
    .description(
      "compare a vault's own list of its archives with what is on record; exit status 9 when archives are missing or others",
    )
    .argument('<destination>', 'a destination of type glacier')
    .option('--ask', 'ask the vault for a new list, which takes it hours; the same command without it shows the list')
    .option(
      '--record',
      'put archives on record that are of this site and have no record, and strike off those that are missing',
    )
    .option('--dry-run', 'with --record: print what would be done, and do nothing')
    .action(async (destination: string, options: InventoryOptions) => {
      const { inventoryCommand } = await import('../copies/inventory.ts');
      return inventoryCommand(cli(), destination, options);
    });
  examples(inventory, [
    ['copies inventory old-vault --ask', 'ask for a list; it is there in some hours, and for a day'],
    ['copies inventory old-vault', 'what is missing there, and what nobody has on record'],
    ['copies inventory old-vault --record', 'when the destination with the records was lost: make them anew'],
  ]);
}

function registerThaw(copies: Command, cli: OpenCli): void {
  const thaw = copies
    .command('thaw')
    .description(
      'bring a copy back from cold storage, with all that it builds on: prints what that takes and costs, and with --yes asks for it and waits, for minutes or days; ^C ends the watching alone',
    )
    .argument('<backup>', 'a reference, or "latest"')
    .option('--from <destination>', 'where it lies frozen')
    .option('--source <name>', 'the source, with "latest"')
    .option('--at <target>', 'with the logs that lead there, as restore takes it: a time, a position, "end"')
    .option('--before <gtid>', 'with the logs that lead right before this transaction (MariaDB)')
    .option('--speed <speed>', 'expedited, standard or bulk; as the config says when left out')
    .option('--days <days>', 'days that it stays readable; as the config says when left out')
    .option('--dry-run', 'print what it takes and costs, and ask for nothing: as without --yes')
    .option('--yes', 'ask for it: that costs money, and cannot be taken back')
    .option('--detach', 'start the wait and leave; needs a running "up" or a configured Temporal')
    .option('--direct', 'wait in this process, without Temporal')
    .option('--status', 'print how far the wait is')
    .option('--cancel', 'end the wait; what was asked for comes all the same')
    .action(async (backup: string, options: ThawOptions) => {
      const { thawCommand } = await import('../copies/thaw.ts');
      return thawCommand(cli(), backup, options);
    });
  examples(thaw, [
    ['copies thaw yearly/postgres/20260104 --from archive', 'what it takes and costs, by speed'],
    ['copies thaw yearly/postgres/20260104 --from archive --speed bulk --yes', 'ask for it, and wait'],
    ['copies thaw yearly/postgres/20260104 --from archive --status', 'how far the wait is'],
  ]);
}

async function repairCommand(cli: Cli, references: readonly string[], options: RepairOptions): Promise<void> {
  const [{ exitStatus }, { repairBackup }] = await Promise.all([
    import('../../../model/errors.ts'),
    import('../../../activities/operations/repair/repair.ts'),
  ]);
  const site = await cli.site();
  const { candidates, sources } = await choose(cli, references, options);
  const dryRun = options.dryRun === true || options.yes !== true;
  const done: Repaired[] = [];
  for (const { wanted, target } of candidates) {
    const work = await cli.work(target.name);
    const others = sources.filter(({ name }) => name !== target.name);
    done.push(await repairBackup({ site, wanted, target, sources: others, dryRun, work }));
  }
  const shown = done.filter(({ state }) => state !== 'good' || references.length > 0);
  const bad = done.some(({ state }) => state === 'not repaired');
  cli.out.result({ dryRun, verdict: bad ? 'failed' : 'ok', looked: candidates.length, repairs: shown }, () =>
    repairsText(cli, shown),
  );
  if (dryRun && done.some(({ state }) => state === 'to repair')) cli.out.note('Nothing was changed: --yes does it.');
  if (bad) cli.exitWith(exitStatus('verification-failed'));
}

interface Chosen {
  readonly candidates: readonly Candidate[];
  readonly sources: readonly Candidate['target'][];
}

async function choose(cli: Cli, references: readonly string[], options: RepairOptions): Promise<Chosen> {
  const [repairs, { readOverview }, { repairPlace }, { placeOption }, { requireSource }] = await Promise.all([
    import('../../backups/repairs.ts'),
    import('../../backups/overview.ts'),
    import('../../../activities/operations/repair/places.ts'),
    import('../place-option.ts'),
    import('../../backups/choose.ts'),
  ]);
  const site = await cli.site();
  const all = [null, ...Object.keys(site.config.destinations)];
  const [to, from] = [placeOption(options.to), placeOption(options.from)];
  const overview = await readOverview(site);
  requireSource(site, overview, options.source);
  for (const { place, problem } of overview.problems) cli.out.note(`${place}: ${problem}`);
  // A place that is away is told of above; one that was named fails.
  const places = all.filter((name) => overview.places.includes(name ?? 'repository'));
  const open = (names: readonly (string | null)[]) => Promise.all(names.map((name) => repairPlace(site, name)));
  const targets = await open(to === undefined ? places : [to]);
  const sources = await open(from === undefined ? places : [from]);
  const signed = await repairs.signedEntries(site, overview);
  if (references.length > 0) {
    const candidates = repairs.namedCandidates(signed, references, { targets, everywhere: to !== undefined });
    return { candidates, sources };
  }
  const found = await Promise.all(targets.map((target) => repairs.damagedCandidates(signed, target, options.source)));
  return { candidates: found.flat(), sources };
}

function repairsText({ out }: Cli, done: readonly Repaired[]): string {
  if (done.length === 0) return 'nothing is known to be damaged: mosaic-backup verify --destination NAME looks';
  const rows = done.map(({ reference, place, state, repairs, from }) => [
    reference,
    place,
    out.style(
      state === 'not repaired' ? 'red' : state === 'to repair' || state === 'frozen' ? 'yellow' : 'green',
      state,
    ),
    repairs.map(({ object }) => object).join(', '),
    from.join(', '),
  ]);
  const whys = done
    .filter(({ why }) => why !== null)
    .map(({ reference, place, why }) => `${reference} at ${place}: ${why}`);
  return [table(['backup', 'at', 'state', 'objects', 'from'], rows), ...whys].join('\n');
}
