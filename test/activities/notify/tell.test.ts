import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSite } from '../../../activities/config/load.ts';
import { readMemory, writeMemory, type Remembered } from '../../../activities/notify/memory.ts';
import { tellPending } from '../../../activities/notify/pending.ts';
import { tell, type Told, type TellRequest } from '../../../activities/notify/tell.ts';
import type { Site } from '../../../activities/site.ts';
import type { Condition } from '../../../model/alert.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { BackupError } from '../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { startWebhook, type Webhook } from '../../support/webhook.ts';
import { testWork } from '../../support/work.ts';

const CANARY = 'canary-of-a-secret-address';
const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 10, 24);

function condition(options: Partial<Condition> = {}): Condition {
  return {
    alert: 'logs-stalled',
    key: 'logs-stalled/db',
    source: 'db',
    host: 'here',
    message: 'stalled',
    remedy: 'do this',
    once: false,
    ...options,
  };
}

const HOLE = condition({ alert: 'logs-hole', key: 'logs-hole/db/1', once: true, message: 'a hole' });

describe('telling of alerts', () => {
  let folder: string;
  let hook: Webhook;

  beforeEach(async () => {
    folder = await temporaryFolder();
    hook = await startWebhook();
    await writeFile(path.join(folder, 'url'), `http://127.0.0.1:${hook.port}/${CANARY}\n`, { mode: 0o600 });
  });
  afterEach(() => hook.stop());
  after(cleanUp);

  async function siteWith(notify: SiteInput['notify']): Promise<Site> {
    const { file } = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [path.join(folder, 'data')] } },
      notify,
    });
    return loadSite({ file });
  }

  function webhook(): NonNullable<SiteInput['notify']>[number] {
    return { type: 'webhook', url: { file: path.join(folder, 'url') } };
  }

  async function told(
    site: Site,
    found: readonly Condition[],
    options: Partial<Pick<TellRequest, 'before' | 'now' | 'note'>> = {},
  ): Promise<Told & { readonly logged: readonly string[] }> {
    const work = testWork();
    const result = await tell({
      site,
      run: 'logs-2026-11-24T00:00:00Z',
      found,
      before: options.before ?? [],
      lookedFor: () => true,
      remindAfter: HOUR,
      now: options.now ?? T0,
      note: options.note ?? (async () => {}),
      work,
    });
    return { ...result, logged: work.logged };
  }

  function states(): readonly string[] {
    return hook.received.map(({ state }) => state);
  }

  it('what lasts is told once, again after the set time only, and when it is over', async () => {
    const site = await siteWith([webhook()]);
    const first = await told(site, [condition()]);
    assert.deepEqual(first.errors, []);
    const second = await told(site, [condition()], { before: first.open, now: T0 + 300_000 });
    assert.equal(hook.received.length, 1);
    const third = await told(site, [condition()], { before: second.open, now: T0 + HOUR });
    assert.equal(hook.received.length, 2);
    const last = await told(site, [], { before: third.open, now: T0 + HOUR + 1 });
    assert.deepEqual(
      hook.received.map(({ state }) => state),
      ['raised', 'raised', 'resolved'],
    );
    assert.deepEqual(last.open, []);
    assert.equal(hook.received[0]?.remedy, 'do this');
  });

  it('who could not be told that it is over is told the next time, and nobody else again', async () => {
    const out = path.join(folder, 'out');
    const site = await siteWith([webhook(), { type: 'command', command: ['sh', '-c', `cat >> ${out}`] }]);
    const raised = await told(site, [condition()]);
    hook.answer(500);
    const over = await told(site, [], { before: raised.open, now: T0 + 1000 });
    assert.equal(over.errors.length, 1);
    const still = await told(site, [], { before: over.open, now: T0 + 48 * HOUR });
    assert.equal(still.errors.length, 1, 'a pager does not close an incident by itself, however long it was away');
    hook.answer(204);
    const last = await told(site, [], { before: still.open, now: T0 + 49 * HOUR });
    assert.deepEqual([last.errors, last.open], [[], []]);
    assert.deepEqual(states(), ['raised', 'resolved']);
    const lines = (await readFile(out, 'utf8')).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => /"state":"(\w+)"/.exec(line)?.[1]),
      ['raised', 'resolved'],
    );
  });

  it('what is back before everybody heard that it was over is told again to those who heard it', async () => {
    const out = path.join(folder, 'out');
    const site = await siteWith([webhook(), { type: 'command', command: ['sh', '-c', `cat >> ${out}`] }]);
    const raised = await told(site, [condition()]);
    hook.answer(500);
    const over = await told(site, [], { before: raised.open, now: T0 + 1000 });
    hook.answer(204);
    const back = await told(site, [condition()], { before: over.open, now: T0 + 2000 });
    assert.deepEqual(states(), ['raised'], 'for the other it has lasted');
    assert.equal((await readFile(out, 'utf8')).trim().split('\n').length, 3);
    assert.equal(back.open[0]?.over, undefined);
    const last = await told(site, [], { before: back.open, now: T0 + 3000 });
    assert.deepEqual(states(), ['raised', 'resolved']);
    assert.deepEqual(last.open, []);
  });

  it('who is not in the config any more, or never heard of it, is not waited for', async () => {
    const site = await siteWith([webhook()]);
    const raised = await told(site, [condition()]);
    assert.deepEqual((await told(await siteWith([]), [], { before: raised.open })).open, []);
    hook.answer(500);
    const unheard = await told(site, [condition({ key: 'other' })]);
    hook.answer(204);
    assert.deepEqual((await told(site, [], { before: unheard.open })).open, []);
    assert.deepEqual(states(), ['raised']);
  });

  it('a death between telling and remembering leaves nobody without the end', async () => {
    const site = await siteWith([webhook()]);
    let remembered: readonly Remembered[] = [];
    const note = async (open: readonly Remembered[]) => {
      assert.deepEqual(states(), [], 'before anybody is told');
      remembered = structuredClone(open);
    };
    await told(site, [condition()], { note });
    assert.deepEqual(states(), ['raised'], 'killed here, what was told is not remembered');
    const lasting = await told(site, [condition()], { before: remembered });
    assert.deepEqual(states(), ['raised', 'raised'], 'twice rather than never');
    assert.equal(lasting.open.length, 1);
    const over = await told(site, [], { before: remembered });
    assert.deepEqual(states(), ['raised', 'raised', 'resolved']);
    assert.deepEqual(over.open, []);
    // Killed again, between the end and its being remembered.
    await told(site, [], { before: lasting.open });
    await told(site, [], { before: lasting.open });
    assert.deepEqual(states().slice(3), ['resolved', 'resolved']);
  });

  it('who cannot be remembered beforehand is told all the same', async () => {
    const site = await siteWith([webhook()]);
    const note = () => Promise.reject(new BackupError('no-space', 'the disk is full'));
    const { open, logged } = await told(site, [condition()], { note });
    assert.deepEqual(states(), ['raised']);
    assert.equal(open.length, 1);
    assert.match(logged.join(), /could not be remembered/);
  });

  it('what a drill could not tell is told by the next tick, not by the next drill', async () => {
    const site = await siteWith([webhook()]);
    const request = { site, run: 'catchUp-2026-11-24T00:00:00Z', now: T0, work: testWork() };
    hook.answer(500);
    const { open } = await told(site, [condition({ alert: 'drill-failed', key: 'drill-failed/x' })]);
    await writeMemory(site.state, 'drills', { fresh: {}, open: [...open] });
    assert.equal((await tellPending(request)).length, 1);
    hook.answer(204);
    assert.deepEqual(await tellPending(request), []);
    assert.deepEqual(await tellPending({ ...request, now: T0 + 100 * HOUR }), []);
    assert.deepEqual(states(), ['raised'], 'once, and no reminder');
    hook.answer(500);
    const before = (await readMemory(site.state, 'drills')).open;
    await writeMemory(site.state, 'drills', { fresh: {}, open: [...(await told(site, [], { before })).open] });
    hook.answer(204);
    assert.deepEqual(await tellPending(request), []);
    assert.deepEqual(states(), ['raised', 'resolved']);
    assert.deepEqual((await readMemory(site.state, 'drills')).open, []);
  });

  it('what happened once is told once, to each who wants it, and kept for one who could not be reached', async () => {
    const out = path.join(folder, 'out');
    const site = await siteWith([
      webhook(),
      { type: 'command', command: ['sh', '-c', `cat >> ${out}`], on: ['logs-hole'] },
      { type: 'command', command: ['false'], on: ['little-space'] },
    ]);
    hook.answer(500);
    const first = await told(site, [HOLE]);
    assert.deepEqual(
      first.errors.map(({ step, code }) => [step, code]),
      [['notify[0]', 'unreachable']],
    );
    assert.equal(first.open.length, 1);
    const week = await told(site, [], { before: first.open, now: T0 + 7 * 24 * HOUR });
    assert.deepEqual(week.open, [], 'who is away for good is not waited for');
    const away = await told(site, [], { before: first.open, now: T0 + 6 * 24 * HOUR });
    hook.answer(204);
    const second = await told(site, [], { before: away.open, now: T0 + 6 * 24 * HOUR + 300_000 });
    assert.deepEqual(second.errors, []);
    assert.deepEqual(second.open, []);
    assert.equal(hook.received.length, 1);
    const lines = (await readFile(out, 'utf8')).trim().split('\n');
    assert.equal(lines.length, 1, 'the other was told the first time');
    assert.match(lines[0] ?? '', /"alert":"logs-hole".*"message":"a hole"/);
  });

  it('one that fails keeps none of the others, and tells no secret', async () => {
    const out = path.join(folder, 'out');
    const site = await siteWith([
      webhook(),
      { type: 'webhook', url: `http://127.0.0.1:1/${CANARY}` },
      { type: 'command', command: ['sh', '-c', `echo ${CANARY} >&2; exit 7`] },
      { type: 'command', command: ['no-such-program', CANARY] },
      { type: 'command', command: ['sh', '-c', `sleep 60; echo ${CANARY}`], timeout: '100ms' },
      { type: 'command', command: ['sh', '-c', `cat > ${out}`] },
    ]);
    await hook.stop();
    const { errors, logged } = await told(site, [condition()]);
    hook = await startWebhook();
    assert.deepEqual(
      errors.map(({ step }) => step),
      ['notify[0]', 'notify[1]', 'notify[2]', 'notify[3]', 'notify[4]'],
    );
    assert.ok(errors.every(({ remedy }) => remedy));
    assert.match(errors[2]?.message ?? '', /ended with 7/);
    assert.doesNotMatch(JSON.stringify([errors, logged]), new RegExp(CANARY));
    assert.match(await readFile(out, 'utf8'), /logs-stalled/);
  });

  it('what one notifier refuses keeps nothing else from it', async () => {
    const out = path.join(folder, 'out');
    const picky = `alert=$(cat); case $alert in *logs-hole*) exit 65;; esac; echo "$alert" >> ${out}`;
    const site = await siteWith([{ type: 'command', command: ['sh', '-c', picky] }]);
    const { errors, open } = await told(site, [HOLE, condition()]);
    assert.deepEqual(
      errors.map(({ step }) => step),
      ['notify[0]'],
    );
    assert.match(await readFile(out, 'utf8'), /"alert":"logs-stalled".*"state":"raised"/);
    const over = await told(site, [], { before: open, now: T0 + 1000 });
    assert.equal(over.errors.length, 1, 'it is tried again');
    assert.match(await readFile(out, 'utf8'), /"state":"resolved"/);
    assert.deepEqual(
      over.open.map(({ key }) => key),
      [HOLE.key],
    );
  });

  it('one that answers nothing is not waited for once for each alert', async () => {
    const site = await siteWith([{ type: 'command', command: ['sleep', '60'], timeout: '300ms' }]);
    const found = Array.from({ length: 20 }, (_, index) => condition({ key: `logs-stalled/${index}` }));
    const began = Date.now();
    const { errors } = await told(site, found);
    assert.equal(errors.length, 1);
    assert.ok(Date.now() - began < 3000, 'its patience is for all of them');
  });

  it('follows no redirect, and waits for no answer longer than it is told to', async () => {
    const site = await siteWith([webhook()]);
    hook.answer(307, { location: `http://127.0.0.1:${hook.port}/elsewhere` });
    assert.equal((await told(site, [condition()])).errors.length, 1);
    assert.deepEqual(hook.received, []);
  });
});
