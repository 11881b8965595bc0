import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { Session } from '../../client/runs/session.ts';
import type { SiteInput } from '../../model/config/site.ts';
import type { RunReport } from '../../model/run.ts';
import { filesWith } from '../support/files-with.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { scheduledTimes } from '../support/scheduled.ts';
import { openSession, runDaily } from '../support/session.ts';
import { makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';

type Hooks = NonNullable<SiteInput['sources'][string]['hooks']>;

const CANARY = 'canary-in-the-address-of-a-hook';

describe('hooks of a source', () => {
  let folder: string;
  let file: string;
  let session: Session;
  let server: Webhook;
  let webhook: { readonly webhook: { readonly file: string } };
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    server = await startWebhook();
    webhook = { webhook: { file: path.join(folder, 'url') } };
    await writeFile(webhook.webhook.file, `http://127.0.0.1:${server.port}/${CANARY}\n`, { mode: 0o600 });
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'wiki');
    ({ file } = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [data] } },
      plans: { daily: { captureDeadline: '4s', retryFirst: '100ms', retryMax: '200ms', heartbeat: '5s' } },
      temporal: await ownTemporal(),
    }));
    session = await openSession(file);
  });

  after(async () => {
    await session?.close();
    await server?.stop();
    await cleanUp();
  });

  it('are posted to the address of a webhook, with what they are told', async () => {
    const { runId, outcome } = await daily({ before: [webhook], after: [webhook] });
    assert.equal(outcome, 'complete');
    const facts = { site: 'test', plan: 'daily', run: runId, source: 'wiki', host: 'local' };
    assert.deepEqual(server.told, [
      { ...facts, outcome: null, when: 'before' },
      { ...facts, outcome: 'complete', when: 'after' },
    ]);
  });

  it('keep their source from being captured where the webhook answers with a failure, and say so without its address', async () => {
    server.answer(503);
    const report = await daily({ before: [webhook], after: [webhook] });
    server.answer(204);
    const [wiki] = report.sources;
    assert.equal(wiki?.captured, null);
    assert.deepEqual(
      wiki?.errors.map(({ step, message }) => [step, message.replace(/^still failing at its deadline: /, '')]),
      [
        ['capture', 'The webhook hooks.before[0] of wiki was not reached: answered with status 503.'],
        ['hooks after', 'The webhook hooks.after[0] of wiki was not reached: answered with status 503.'],
      ],
    );
    const places = ['state', 'repository', 'vault'].map((name) => path.join(folder, name));
    assert.notDeepEqual(
      await filesWith(report.runId, [path.join(folder, 'state')]),
      [],
      "Temporal's data are looked at",
    );
    assert.deepEqual(await filesWith(CANARY, places), []);
  });

  it('are ended at their time-out, a program as well as a webhook that does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    assert.ok(address !== null && typeof address === 'object');
    const report = await daily({
      before: [
        { command: ['sleep', '60'], timeout: '200ms', onFailure: 'warn' },
        { webhook: `http://127.0.0.1:${address.port}/`, timeout: '200ms', onFailure: 'warn' },
      ],
    });
    silent.close();
    assert.equal(report.outcome, 'partial');
    assert.deepEqual(
      report.sources[0]?.errors.map(({ message }) => message),
      [
        'hooks.before[0] of wiki: sleep did not end by itself in time',
        'The webhook hooks.before[1] of wiki was not reached: no answer within 0.2 s.',
      ],
    );
    assert.ok(report.sources[0]?.captured, 'they were to warn, and the source was captured');
  });

  it('after it that are to stop what follows are tried again until they succeed; those that are to warn keep nothing', async () => {
    const log = path.join(folder, 'log');
    const lines = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').slice(0, -1);
    const fails = { command: ['sh', '-c', `echo tried >> ${log}; test -e ${log}.mended`] };
    const next = { command: ['sh', '-c', `echo next >> ${log}`] };
    const warned = await daily({ after: [fails, next] });
    assert.equal(warned.outcome, 'partial');
    assert.deepEqual(await lines(), ['tried', 'next']);
    const running = daily({ after: [{ ...fails, onFailure: 'stop' }, next] });
    await until('it is tried again', async () => (await lines()).length >= 4);
    await writeFile(`${log}.mended`, '');
    assert.equal((await running).outcome, 'complete');
    assert.deepEqual([...new Set((await lines()).slice(2, -1))], ['tried']);
    assert.equal((await lines()).at(-1), 'next');
  });

  async function daily(hooks: Hooks): Promise<RunReport> {
    const config: SiteInput = parse(await readFile(file, 'utf8'));
    const { wiki } = config.sources;
    assert.ok(wiki);
    await writeFile(file, stringify({ ...config, sources: { wiki: { ...wiki, hooks } } }));
    return runDaily({ session, site: 'test', scheduled: scheduled(), sources: ['wiki'] });
  }
});
