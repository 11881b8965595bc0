/** `npm start` and what can happen to it. Minutes long, so `npm run test:faults` has it and `npm test` has not. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { samplePlace } from '../../infra/quickstart/sample/place.ts';
import { fileOf } from '../../model/drill/index-document.ts';
import type { DrillRecord } from '../../model/drill/record.ts';
import type { TestReport } from '../../model/restore-test.ts';
import type { RunReport, SourceReport } from '../../model/run.ts';
import { mosaic } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';

const MAIN = fileURLToPath(new URL('../../infra/quickstart/main.ts', import.meta.url));
type Started = ChildProcessByStdio<null, Readable, Readable>;

const MAKING = /Making a sample/;
const RUNNING = /shop: capturing/;

describe('npm start', function () {
  this.timeout(300_000);
  let folder: string;
  before(async () => {
    folder = path.join(await temporaryFolder({ onDisk: true }), 'sample');
  });
  after(cleanUp);

  function start(): Started {
    return spawn(process.execPath, [MAIN, '--once', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, MOSAIC_SAMPLE: folder },
    });
  }

  it('killed while it makes its sample, makes it anew, proves every backup, and leaves no process', async () => {
    const killed = start();
    await said(killed, MAKING);
    await pause(3000);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const { code, report } = await ended(start());
    assert.equal(code, 0);
    assert.equal(report.outcome, 'complete');
    assert.equal(report.proven, true);
    assert.deepEqual(sourcesOf(report), ['shop', 'wiki', 'cache', 'stack', 'mosaic-backup-local']);
    assert.deepEqual(testsOf(report), Array(5).fill('complete'), 'it ends with a restore test of every source');
    for (const copies of copiesOf(report)) assert.deepEqual(copies, ['offsite', 'remote', 'vault']);
    await nothingRuns(folder);
  });

  it('is recovered by a drill while nothing of it runs, with report and runbook as files', async () => {
    const place = samplePlace({ MOSAIC_SAMPLE: folder });
    const done = await mosaic(['-c', place.config, '--json', 'drill', 'start', 'host-lost', '--wait']);
    assert.equal(done.code, 0, done.stdout + done.stderr);
    const { runId, outcome, drill }: RunReport = JSON.parse(done.stdout);
    assert.deepEqual([outcome, drill?.sources.map((one) => one.outcome)], ['complete', Array(5).fill('complete')]);
    assert.ok(typeof drill?.rto === 'number' && typeof drill.rpo === 'number', done.stdout);
    assert.ok(drill.sources.every(({ restored }) => restored?.place === 'vault'));
    const written = (name: string) => readFile(path.join(place.state, 'documents', name), 'utf8');
    assert.match(await written('runbook.md'), new RegExp(`Proven by drill ${runId} `));
    const report = `drills/${fileOf({ runId })}`;
    assert.match(await written(`${report}.md`), new RegExp(`^# Drill ${runId}: host-lost\n`));
    assert.match(await written(`${report}.html`), /<svg[^]*<\/html>/);
    const record: DrillRecord = JSON.parse(await written(`${report}.json`));
    assert.deepEqual([record.runId, record.outcome, record.rto], [runId, 'complete', drill.rto]);
    await nothingRuns(folder);
  });

  it('makes nothing anew the second time, and ends its run cleanly on ^C', async () => {
    const child = start();
    const told = text(child.stderr);
    await said(child, RUNNING);
    child.kill('SIGINT');
    const [code] = await once(child, 'exit');
    assert.equal(code, 130);
    await nothingRuns(folder);
    assert.doesNotMatch(await told, MAKING);
  });

  it('killed in the middle of its run, goes on at the next start', async () => {
    const killed = start();
    await said(killed, RUNNING);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const { code, report } = await ended(start());
    assert.equal(code, 0);
    assert.equal(report.proven, true);
    await nothingRuns(folder);
  });

  it('refuses a second start beside the first', async () => {
    const first = start();
    await said(first, RUNNING);
    const second = start();
    const output = text(second.stdout);
    const [code] = await once(second, 'exit');
    assert.equal(code, 7);
    assert.match(await output, /in use by another/);
    first.kill('SIGINT');
    await once(first, 'exit');
    await nothingRuns(folder);
  });
});

function sourcesOf({ proofs }: Readonly<Record<string, unknown>>): readonly unknown[] {
  assert.ok(Array.isArray(proofs));
  return proofs.map((proof: { readonly source: unknown }) => proof.source);
}

/** How the restore test of each source fared. */
function testsOf({ tests }: Readonly<Record<string, unknown>>): readonly unknown[] {
  assert.ok(Array.isArray(tests));
  return tests.map(({ outcome }: TestReport) => outcome);
}

/** For each source, the destinations that have confirmed their copy. */
function copiesOf({ sources }: Readonly<Record<string, unknown>>): readonly (readonly string[])[] {
  assert.ok(Array.isArray(sources) && sources.length === 5);
  return sources.map(({ copies }: SourceReport) => copies.map(({ destination }) => destination).toSorted());
}

/** Waits until a process has said something on stderr, which it goes on to write to. */
function said({ stderr }: Started, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = '';
    stderr.on('data', (chunk) => {
      heard += String(chunk);
      if (what.test(heard)) resolve();
    });
    stderr.once('end', () => reject(new Error(`it ended without saying ${what}: ${heard}`)));
  });
}

async function ended(
  child: Started,
): Promise<{ readonly code: number; readonly report: Readonly<Record<string, unknown>> }> {
  child.stderr.resume();
  const output = text(child.stdout);
  const [code] = (await once(child, 'exit')) as [number];
  return { code, report: JSON.parse(await output) as Readonly<Record<string, unknown>> };
}

/** What a killed process leaves dies with it; the database takes a moment to put its shared memory away. */
async function nothingRuns(folder: string): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const left = execFileSync('ps', ['-eo', 'pid,stat,args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(folder));
    if (left.length === 0) return;
    assert.ok(Date.now() < deadline, left.join('\n'));
    await pause(100);
  }
}
