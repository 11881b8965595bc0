/**
 * Faults: each scenario breaks something while real processes back up a PostgreSQL server or a folder, and asserts
 * that nothing half is listed, nothing is lost, the run goes on by itself where it can and says what to do where it
 * cannot, and nothing is left behind. `npm test` plays one of each kind, `npm run test:faults` all of them.
 */
import { cleanUp } from '../support/folders.ts';
import { openLab, type Lab } from './lab.ts';
import { chosen, playAll, type Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { openTrial } from './trial.ts';

interface Row {
  readonly scenario: Scenario;
  readonly outcome: string;
  readonly seconds: number;
}

describe('faults', function () {
  const playing = chosen(scenarios);
  // What runs alone comes last, and is awaited as a whole.
  this.timeout(Math.max(...playing.map(({ minutes = 3 }) => minutes)) * 60_000);
  const rows: Row[] = [];
  let lab: Lab | undefined;
  let result: (scenario: Scenario) => Promise<void>;

  before(async () => {
    const opened = await openLab();
    lab = opened;
    result = playAll(playing, (scenario) => play(opened, scenario));
  });

  after(async () => {
    // Where tests were cut off, what they left is still awaited: servers and folders are theirs until then.
    if (lab) {
      await Promise.allSettled(playing.map(result));
      await lab.close();
    }
    await cleanUp();
    if (process.env['MOSAIC_FAULTS'] === 'all') console.log(table(rows));
  });

  for (const scenario of playing) it(`${scenario.kind}: ${scenario.title}`, () => result(scenario));

  async function play(lab: Lab, scenario: Scenario): Promise<void> {
    const started = Date.now();
    let outcome = 'FAILED';
    try {
      outcome = await playOn(lab, scenario);
    } finally {
      rows.push({ scenario, outcome, seconds: (Date.now() - started) / 1000 });
    }
  }
});

async function playOn(lab: Lab, { kind, title, sources, site, play }: Scenario): Promise<string> {
  const trial = await openTrial({ lab, sources, site: (await site?.(lab)) ?? {} });
  try {
    return await play(trial);
  } catch (error) {
    console.error(`What the processes of "${kind}: ${title}" printed:\n${trial.printed()}`);
    throw error;
  } finally {
    await trial.end();
  }
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(({ scenario: { kind, title }, outcome, seconds }) => [
    kind,
    title,
    outcome,
    `${seconds.toFixed(1)} s`,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return ['', ...lines.toSorted(), '', `${rows.length} scenarios`].join('\n');
}
