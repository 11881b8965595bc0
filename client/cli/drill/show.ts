/** `drill show ID`: the report of one drill. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

interface ShowOptions {
  readonly destination?: string;
  readonly page?: string;
  readonly markdown?: boolean;
}

export function registerDrillShow(drill: Command, cli: OpenCli): void {
  const show = drill
    .command('show')
    .description('show the report of a drill: what was back when, what was lost, what missed its objective and why')
    .argument('<id>', 'as "drill list" names it, or the beginning of it; "latest" for the newest')
    .option('--destination <name>', 'as this place has it on record ("repository" for the repository)')
    .option('--page <file>', 'write it as a page to print, with the timeline drawn (HTML)')
    .option('--markdown', 'print it as Markdown, also where nobody reads it in a terminal (the same as without)')
    .action((id: string, options: ShowOptions) => showCommand(cli(), id, options));
  examples(show, [
    ['drill show latest', 'the newest one'],
    ['drill show drill-2026-10-18T09:00:00Z --page /tmp/drill.html', 'to print from a browser'],
    ['drill show latest --json | jq .summary.missed', 'what missed its objective, and why'],
  ]);
}

async function showCommand(cli: Cli, id: string, { destination, page }: ShowOptions): Promise<void> {
  const [{ readDrills }, { placeOption }, { drillMarkdown }, { drillSummary }] = await Promise.all([
    import('../../../activities/operations/drill/read.ts'),
    import('../place-option.ts'),
    import('../../../model/drill/markdown.ts'),
    import('../../../model/drill/summary.ts'),
  ]);
  const { read, problems } = await readDrills(await cli.site(), placeOption(destination));
  for (const { place, problem } of problems) cli.out.note(`${place}: ${problem}`);
  const found = read.filter((one, index) => (id === 'latest' ? index === 0 : one.runId.startsWith(id)));
  const exact = found.find(({ runId }) => runId === id) ?? (found.length === 1 ? found[0] : undefined);
  if (exact === undefined) throw await notOne(id, found.length > 0 ? found : read);
  if (page !== undefined) {
    const [{ writeDocument }, { drillPage }, { translated }] = await Promise.all([
      import('../../../activities/operations/drill/documents.ts'),
      import('../../../model/drill/page.ts'),
      import('../../../activities/storage/fs-errors.ts'),
    ]);
    await translated(page, 'writing the page', () => writeDocument(page, drillPage(exact, read)));
    cli.out.result({ page }, () => page);
    return;
  }
  cli.out.result({ drill: exact, summary: drillSummary(exact, read) }, () => drillMarkdown(exact, read));
}

async function notOne(id: string, among: readonly { readonly runId: string }[]): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  const names = among.slice(0, 10).map(({ runId }) => runId);
  const several = among.filter(({ runId }) => runId.startsWith(id)).length > 1;
  return new BackupError(
    several ? 'usage' : 'not-found',
    several ? `"${id}" begins several drills.` : `There is no drill "${id}" on record.`,
    {
      remedy: names.length > 0 ? `There are: ${names.join(', ')}.` : 'There was none yet.',
    },
  );
}
