import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import {
  followRotation,
  rotationNow,
  setPaused,
  startRotation,
  type RotationHandle,
} from '../../client/keys/rotate-run.ts';
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import type { RotationInput, RotationReport } from '../../model/rotation.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { backUp, changeRecipients, makeRotatable, opening, type Rotatable } from '../support/rotated.ts';
import { mosaicHere } from '../support/command-line.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../support/worker-process.ts';

const PUT = 'activities/storage/durable.ts#publish';
const metadata = z.looseObject({ currentDetails: z.string() });

describe('rotateKeys', function () {
  this.timeout(240_000);
  let temporal: TemporalProcess;
  let folder: string;
  let made: Rotatable;
  let site: Site;
  let input: RotationInput;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(folder);
    await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    made = await makeRotatable(folder, {
      temporal: { address: temporal.address },
      plans: { daily: { retryFirst: '100ms', retryMax: '500ms', heartbeat: '2s' } },
    });
    for (const hour of ['02', '03', '04', '05']) await backUp(made.site, `2026-11-23T${hour}:00:00Z`);
    site = await changeRecipients(made);
    input = { site: 'test', host: site.host, identities: [made.fresh] };
  });
  after(async () => {
    for (const worker of started) if (worker.running()) await worker.end();
    await temporal?.stop();
    await cleanUp();
  });

  function worker(point?: SignalPoint, reached?: string): CommandProcess {
    const of = { args: ['-c', made.file, 'worker'], owner: folder, ...(point && reached ? { point, reached } : {}) };
    const command = startCommand(of);
    started.push(command);
    return command;
  }

  function follow(handle: RotationHandle): Promise<RotationReport> {
    const broken = new Promise<never>(() => {});
    return followRotation(handle, {
      signal: new AbortController().signal,
      broken,
      interval: 100,
      onProgress: () => {},
    });
  }

  it('goes on where it was after its worker is killed between the two files of a backup, pauses and goes on, begins its history anew, and leaves nothing to the old key', async () => {
    await rename(path.join(folder, 'vault'), path.join(folder, 'unplugged'));
    const reached = path.join(folder, 'reached');
    const point: SignalPoint = { at: PUT, when: 'left', matching: '/key\\.age$', nth: 2 };
    const first = worker(point, reached);
    const handle = await startRotation(temporal.client(), input, { pageSize: 1, stepsPerRun: 2 });
    const { runId: firstRun } = await handle.describe();
    await atPoint(first, point, reached);
    const halfway = Object.values(await opening(site.repository, made.fresh)).map((opens) => opens.join());
    assert.deepEqual(
      halfway.toSorted(),
      ['false,false', 'false,false', 'false,true', 'true,true'],
      'between the two files of the second',
    );

    await setPaused(temporal.client(), 'test', true);
    worker();
    // The page that was cut off ends; no other begins.
    await until(
      'it is paused',
      async () => (await rotationNow(temporal.client(), 'test').catch(() => undefined))?.paused,
    );
    const paused = await until('its page has ended', async () => {
      const now = await rotationNow(temporal.client(), 'test');
      return now.places[0]?.backups === 2 && now;
    });
    const details = metadata.parse(
      await temporal.client().workflow.getHandle('rotate-keys/test').query('__temporal_workflow_metadata'),
    );
    assert.match(details.currentDetails, /\*\*paused\*\*.*\| repository \| \S+ \| wrapping anew \| 2 \| 2 \|/s);
    assert.equal(paused.outcome, null);
    const told = await mosaicHere(['-c', made.file, 'keys', 'rotate', '--status']);
    assert.match(told.stdout, /paused/);
    assert.equal((await mosaicHere(['-c', made.file, 'keys', 'rotate', '--resume'])).code, 0);

    const report = await follow(handle);
    assert.deepEqual(
      report.places.map(({ place, pass, backups, checked, left }) => [place, pass, backups, checked, left]),
      [
        ['repository', 'done', 4, 4, 0],
        ['vault', 'away', 0, 0, 0],
      ],
    );
    assert.equal(report.outcome, 'partial');
    assert.deepEqual(
      report.proofs.map(({ ok }) => ok),
      [true],
      JSON.stringify(report.proofs),
    );
    assert.notEqual((await handle.describe()).runId, firstRun, 'its history began anew');
    for (const opens of Object.values(await opening(site.repository, made.identities[0])))
      assert.deepEqual(opens, [false, false]);

    // The destination is back: only that is left to do.
    await rename(path.join(folder, 'unplugged'), path.join(folder, 'vault'));
    const ended = await mosaicHere(['-c', made.file, 'keys', 'rotate', '--identity', made.fresh]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /repository\s+\S+\s+4\s+0\s+4\s+0\n\s*vault\s+\S+\s+4\s+4\s+4\s+0/);
    for (const opens of Object.values(await opening(path.join(folder, 'vault'), made.identities[0])))
      assert.deepEqual(opens, [false, false]);
  });

  it('another rotation, of other places, is not joined', async () => {
    worker();
    await setPausedOnce();
    await assert.rejects(
      startRotation(temporal.client(), { ...input, place: 'vault' }),
      (error) => error instanceof BackupError && error.code === 'busy',
    );
    await setPaused(temporal.client(), 'test', false);
    await follow(await startRotation(temporal.client(), input));

    async function setPausedOnce(): Promise<void> {
      await startRotation(temporal.client(), input, { pageSize: 1 });
      await setPaused(temporal.client(), 'test', true);
    }
  });

  it('sends no secret through Temporal', async () => {
    const history = textIn(await temporal.client().workflow.getHandle('rotate-keys/test').fetchHistory());
    assert.match(history, /rotatePage/, 'its payloads are read');
    assert.ok(!/AGE-SECRET-KEY/.test(history));
  });
});

/** All that a history carries, payloads decoded. */
function textIn(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(textIn).join('\n');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(textIn).join('\n');
  return String(value);
}
