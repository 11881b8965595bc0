import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { OUTCOME, PLAN, SOURCE as OF_SOURCE } from '../../../workflows/search-attributes.ts';
import { SOURCE } from '../../activities/sources/postgres/backups.ts';
import { json } from '../../support/command-line.ts';
import { describeInPlaceByWorker } from './in-place-worker.ts';

const result = z.looseObject({ full: z.string(), down: z.number() });
/** The server stands still, and its old data are out of the way. */
const SET_ASIDE = { at: 'activities/operations/in-place/folders.ts#moveTo', when: 'left', nth: 2 } as const;

describeInPlaceByWorker('restore --in-place by the worker of its host', (by) => {
  it('is a run that Temporal shows, with the full behind it as a step', async () => {
    const ended = await by.restore();
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stderr, /stopping the server[^]*the old data are kept in[^]*service is back, after/);
    const { full, down } = result.parse(json(ended));
    assert.match(full, /-full$/);
    assert.ok(down > 0);
    await by.isRestored();
    assert.deepEqual(await by.stepsOf(ended), [
      ['in-place', 'done', 1],
      ['full', 'done', 1],
    ]);
    const runs = by.temporal().client().workflow.list({ query: "WorkflowType = 'restoreInPlace'" });
    for await (const { status, typedSearchAttributes } of runs) {
      assert.equal(status.name, 'COMPLETED');
      assert.deepEqual(
        [PLAN, OF_SOURCE, OUTCOME].map((key) => typedSearchAttributes.get(key)),
        ['restore', SOURCE, 'complete'],
      );
    }
  });

  it('with --direct it is done by the command itself; --on is refused: it is the host of the source that does it', async () => {
    const ended = await by.restore('--direct');
    assert.equal(ended.code, 0, ended.stderr);
    assert.doesNotMatch(ended.stderr, /worker/);
    await by.isRestored();
    const on = await by.restore('--on', 'local');
    assert.equal(on.code, 2, on.stderr);
  });

  it('a worker that is a unit of systemd starts no server within that: the command itself does it, and says so', async () => {
    await by.worker({ env: { INVOCATION_ID: '0123456789abcdef0123456789abcdef' } });
    const ended = await by.restore();
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(
      ended.stderr,
      /not by a worker: its worker is a unit of systemd, and a server that .* would be a part/,
    );
    await by.isRestored();
  });

  it('P49 its worker killed with the old data set aside it goes on with the next one', async () => {
    const fulls = await by.fulls();
    const { restoring } = await by.restoreUntil(SET_ASIDE);
    await by.worker();
    const ended = await restoring;
    assert.equal(ended.code, 0, ended.stderr);
    await by.isRestored();
    assert.equal(await by.fulls(), fulls + 1);
    assert.deepEqual(await by.stepsOf(ended), [
      ['in-place', 'done', 2],
      ['full', 'done', 1],
    ]);
  });

  it('one that an operator has taken back is not begun again by the worker that comes back', async () => {
    const { restoring } = await by.restoreUntil(SET_ASIDE);
    await staysTakenBack(restoring);
  });

  it('nor where that worker is stopped just as it has been taken back', async () => {
    const { restoring } = await by.restoreUntil(SET_ASIDE);
    await by.worker({ point: { at: 'activities/operations/in-place/index.ts#resumeInPlace', signal: 'HOLD' } });
    await by.reached();
    await staysTakenBack(restoring);
  });

  it('and cancelled by somebody else while its worker is dead, the next one takes it back', async () => {
    const { restoring } = await by.restoreUntil(SET_ASIDE);
    const cancelling = await by.cancelling();
    await by.worker();
    const [cancelled, { code, stdout }] = await Promise.all([cancelling.ended, restoring]);
    assert.equal(cancelled.code, 0, cancelling.output());
    assert.equal(code, 5, stdout);
    await by.isAsBefore();
  });

  it('but not where its server runs on what was restored by then: that is finished', async () => {
    const point = { at: 'activities/operations/in-place/record.ts#noteRestored', when: 'left' } as const;
    const { restoring } = await by.restoreUntil(point);
    const cancelling = await by.cancelling();
    await by.worker();
    const [cancelled, { code, stderr }] = await Promise.all([cancelling.ended, restoring]);
    assert.equal(cancelled.code, 0, cancelling.output());
    assert.equal(code, 3, stderr);
    assert.match(stderr, /The full behind it failed: the run was cancelled/);
    await by.isRestored();
  });

  it('^C takes it back: the old data are served', async () => {
    await by.worker({ point: { at: 'activities/operations/in-place/server.ts#startIfDown', signal: 'HOLD' } });
    const cut = by.startRestore();
    await cut.printed('restored by the worker');
    await by.reached();
    const { code: busy, stderr } = await by.undo();
    assert.equal(busy, 7, stderr);
    assert.match(stderr, /restore in place of "db" is at work here since .* \(process \d+\)/);
    cut.kill('SIGINT');
    const { code } = await cut.ended;
    assert.equal(code, 130, cut.output());
    await by.isAsBefore(['data.failed']);
    const states = (await by.stepsOf({ stderr: cut.output() })).map(([, state]) => state);
    assert.ok(
      states.every((state) => state !== 'running' && state !== 'pending'),
      states.join(', '),
    );
  });

  it('one that fails says all the same what it has left behind', async () => {
    const point = { at: 'activities/operations/in-place/server.ts#startIfDown', signal: 'SIGSTOP' } as const;
    const { restoring } = await by.restoreUntil(point);
    await appendFile(path.join(by.folder(), 'data/postgresql.conf'), 'there is no such setting\n');
    by.wake();
    const { code, stdout, stderr } = await restoring;
    assert.equal(code, 1, stdout);
    assert.match(stderr, /the old data are kept in[^]*what failed is kept in .*data\.failed-/);
    await by.isAsBefore(['data.failed']);
  });

  it('^C whose way back fails says so, with where the old data are and what to do', async () => {
    await by.worker({ point: { at: 'activities/operations/in-place/server.ts#startIfDown', signal: 'HOLD' } });
    const cut = by.startRestore();
    await cut.printed('restored by the worker');
    await by.reached();
    const before = (await readdir(by.folder())).find((name) => name.startsWith('data.before-')) ?? '';
    const taken = path.join(by.folder(), before.replace('before', 'failed'));
    await mkdir(taken);
    cut.kill('SIGINT');
    const { code } = await cut.ended;
    assert.equal(code, 7, cut.output());
    assert.match(cut.output(), /way back could not be finished.*The old data are in .*before[^]*restore --undo/);
    await rmdir(taken);
    const undone = await by.undo();
    assert.equal(undone.code, 0, undone.stderr);
    await by.isAsBefore(['data.failed']);
  });

  /** By an operator, while the run's worker is away, which comes back then. */
  async function staysTakenBack(restoring: ReturnType<typeof by.restore>): Promise<void> {
    const undone = await by.undo();
    assert.equal(undone.code, 0, undone.stderr);
    await by.worker();
    const { code, stdout } = await restoring;
    assert.equal(code, 1, stdout);
    assert.match(stdout, /was taken back: the operator wished so/);
    await by.isAsBefore();
  }
});
