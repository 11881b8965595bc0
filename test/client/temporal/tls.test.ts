import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { SiteInput } from '../../../model/config/site.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { makeCertificates, startTlsFront, type Certificates, type TlsFront } from '../../support/tls-front.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';

const CANARY = 'canary-of-an-api-key';

describe('a Temporal behind TLS (a proxy that ends it, before the dev server, which has none)', function () {
  this.timeout(90_000);
  let folder: string;
  let temporal: TemporalProcess;
  let certificates: Certificates;
  let front: TlsFront;
  let test: TestSite;
  let worker: CommandProcess | undefined;

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    certificates = await makeCertificates(path.join(folder, 'certificates'));
    front = await startTlsFront(temporal.address, certificates);
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'hello');
    const apiKey = path.join(folder, 'api-key');
    await writeFile(apiKey, `${CANARY}\n`, { mode: 0o600 });
    test = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: [data] } },
      temporal: {
        address: front.address,
        tls: {
          ca: certificates.ca,
          cert: certificates.client.cert,
          key: { file: certificates.client.key },
          serverName: 'temporal.test',
        },
        apiKey: { file: apiKey },
      },
    });
  });

  after(async () => {
    await worker?.end();
    await front?.close();
    await temporal?.stop();
    await cleanUp();
  });

  it('is used by worker and client with certificate and API key, which nobody prints', async () => {
    worker = startCommand({ args: ['-c', test.file, '-vv', 'worker'], owner: folder });
    await worker.printed('serves test');
    const polled = front.keys.length;
    assert.ok(polled > 0, 'the worker comes through it');
    const run = await mosaicHere(['-c', test.file, '-vv', 'run', 'daily']);
    assert.equal(run.code, 0, run.stderr);
    assert.ok(front.keys.length > polled, 'and so does the client');
    assert.deepEqual([...new Set(front.keys)], [`Bearer ${CANARY}`], 'each request bears the key');
    const shown = await mosaicHere(['-c', test.file, 'config', 'show']);
    const { events } = await temporal
      .client()
      .workflow.getHandle((await newestRun()) ?? '')
      .fetchHistory();
    for (const text of [worker.output(), run.stdout, run.stderr, shown.stdout, JSON.stringify(events)])
      assert.doesNotMatch(text, new RegExp(`${CANARY}|PRIVATE KEY`));
  });

  it('says why it is not let in, or does not believe the server', async () => {
    const stranger = await makeCertificates(path.join(folder, 'strangers'));
    await refused({ cert: stranger.client.cert, key: { file: stranger.client.key } }, 'unreachable', /TLS/);
    await refused({ ca: stranger.ca }, 'unreachable', /TLS[^]*certificate/);
    await refused({ serverName: 'another.test' }, 'unreachable', /TLS[^]*another\.test|TLS[^]*altnames/);
    await refused({ ca: path.join(folder, 'nothing.pem') }, 'config', /nothing\.pem, which temporal\.tls\.ca names/);
  });

  it('a certificate without its key, and what is for no address, are refused with the config', async () => {
    const half = await configured({ cert: certificates.client.cert, key: undefined });
    assert.match((await mosaicHere(['-c', half, 'config', 'check'])).stdout, /of no use without its key/);
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const { address: _, ...temporal } = config.temporal ?? {};
    const file = path.join(folder, 'no-address.yaml');
    await writeFile(file, stringify({ ...config, temporal }));
    const { code, stdout } = await mosaicHere(['-c', file, 'config', 'check']);
    assert.equal(code, 2);
    assert.equal(stdout.match(/is for a Temporal at an address/g)?.length, 2);
  });

  type Tls = NonNullable<NonNullable<SiteInput['temporal']>['tls']>;
  type Change = { readonly [Key in keyof Tls]?: Tls[Key] | undefined };

  async function configured(change: Change): Promise<string> {
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    const file = path.join(folder, 'changed.yaml');
    const tls = { ...config.temporal?.tls, ...change };
    await writeFile(file, stringify({ ...config, temporal: { ...config.temporal, tls } }));
    return file;
  }

  async function refused(change: Change, code: string, message: RegExp): Promise<void> {
    const file = await configured(change);
    const listed = await mosaicHere(['-c', file, '--json', 'schedules', 'list']);
    assert.match(listed.stdout, new RegExp(`"code": "${code}"`));
    assert.match(listed.stdout, message);
  }

  async function newestRun(): Promise<string | undefined> {
    for await (const { workflowId } of temporal.client().workflow.list({ query: 'WorkflowType = "dailyBackup"' }))
      return workflowId;
    return undefined;
  }
});
