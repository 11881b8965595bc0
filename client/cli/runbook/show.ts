/** `runbook show` and `runbook write`. */
import { runbookFacts } from '../../../activities/operations/drill/runbook-facts.ts';
import { readDrills, type Drills } from '../../../activities/operations/drill/read.ts';
import { writeDocument, writeDocuments } from '../../../activities/operations/drill/documents.ts';
import { translated } from '../../../activities/storage/fs-errors.ts';
import { pageOf } from '../../../model/document/html.ts';
import { markdownOf } from '../../../model/document/markdown.ts';
import type { Document } from '../../../model/document/document.ts';
import { proofOf, type RunbookProof } from '../../../model/drill/runbook-proof.ts';
import { runbook } from '../../../model/drill/runbook.ts';
import type { RunbookOptions } from '../commands/runbook.ts';
import type { Cli } from '../context.ts';

export async function showCommand(cli: Cli, { scenario = 'host-lost', page }: RunbookOptions): Promise<void> {
  const { document, proof } = await runbookHere(cli, scenario);
  const { proven, words, last } = proof;
  const facts = { scenario, proven, words, drill: last?.runId ?? null };
  if (page === undefined) {
    cli.out.result({ ...facts, markdown: markdownOf(document) }, () => markdownOf(document));
    return;
  }
  await translated(page, 'writing the page', () => writeDocument(page, pageOf(document)));
  cli.out.result({ ...facts, page }, () => page);
}

export async function writeCommand(cli: Cli, { scenario = 'host-lost', to }: RunbookOptions): Promise<void> {
  if (to === undefined) {
    const { folder, changed, problems } = await writeDocuments({ site: await cli.site() });
    noteProblems(cli, problems);
    cli.out.result({ folder, changed, problems }, () =>
      changed.length === 0 ? `${folder}: nothing has changed` : changed.map((name) => `${folder}/${name}`).join('\n'),
    );
    return;
  }
  const { document, proof } = await runbookHere(cli, scenario);
  await translated(to, 'writing the runbook', () => writeDocument(to, markdownOf(document)));
  cli.out.result({ file: to, scenario, proven: proof.proven, words: proof.words }, () => `${to}: ${proof.words}`);
}

async function runbookHere(
  cli: Cli,
  scenario: NonNullable<RunbookOptions['scenario']>,
): Promise<{ readonly document: Document; readonly proof: RunbookProof }> {
  const site = await cli.site();
  const { read, problems } = await readDrills(site);
  noteProblems(cli, problems);
  const facts = await runbookFacts(site, { drills: read, problems });
  return { document: runbook(facts, scenario), proof: proofOf(facts, scenario) };
}

/** Drills that it may lack: it could say that nobody has tried what was proven. */
function noteProblems(cli: Cli, problems: Drills['problems']): void {
  for (const { place, problem } of problems) cli.out.note(`${place}: ${problem}`);
}
