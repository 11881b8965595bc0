/** `drill list`: every drill that is on record, from the places alone. */
import type { Command } from 'commander';
import type { DrillRecord } from '../../../model/drill/record.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';

interface ListOptions {
  readonly destination?: string;
}

export function registerDrillList(drill: Command, cli: OpenCli): void {
  const list = drill
    .command('list')
    .description('list drills, newest first, with what they missed; also with Temporal gone')
    .option('--destination <name>', 'only those on record there ("repository" for the repository)')
    .action((options: ListOptions) => listCommand(cli(), options));
  examples(list, [
    ['drill list', 'all that any place tells of'],
    ['drill list --destination vault --json', 'with the repository gone, as JSON'],
  ]);
}

async function listCommand(cli: Cli, { destination }: ListOptions): Promise<void> {
  const [{ readDrills }, { placeOption }, { missedInShort }, { formatDuration }, { isAhead }] = await Promise.all([
    import('../../../activities/operations/drill/read.ts'),
    import('../place-option.ts'),
    import('../../../model/drill/index-document.ts'),
    import('../../../model/units.ts'),
    import('../../../model/clock.ts'),
  ]);
  const { read, problems } = await readDrills(await cli.site(), placeOption(destination));
  for (const { place, problem } of problems) cli.out.note(`${place}: ${problem}`);
  const now = Date.now();

  function row(record: DrillRecord): string[] {
    const { runId, scenario, outcome, rto, rpo, objectives, declared, created } = record;
    const missed = missedInShort(record);
    const style = outcome === 'complete' ? 'green' : outcome === 'failed' ? 'red' : 'yellow';
    return [
      runId,
      scenario,
      cli.out.style(style, outcome ?? 'running'),
      rto === null ? 'none' : formatDuration(rto),
      objectives.rto === null ? '' : formatDuration(objectives.rto),
      rpo === null ? 'not known' : formatDuration(rpo),
      objectives.rpo === null ? '' : formatDuration(objectives.rpo),
      isAhead(declared ?? created, now)
        ? 'of the future'
        : formatDuration(Math.max(0, now - Date.parse(declared ?? created))),
      missed === '' ? '' : cli.out.style('red', missed),
    ];
  }

  cli.out.result({ drills: read.map((record) => ({ ...record, missed: missedInShort(record) })), problems }, () => {
    if (read.length === 0) return 'no drills yet';
    const numbers = ['RTO', 'of', 'RPO', 'of ', 'age'];
    return table(['drill', 'scenario', 'outcome', ...numbers, 'missed'], read.map(row), numbers);
  });
}
