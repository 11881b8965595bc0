import assert from 'node:assert/strict';
import { link, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSite } from '../../../activities/config/load.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { planRun } from '../../../activities/operations/plan-run.ts';
import { restoreBackup } from '../../../activities/operations/restore.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { parseConfig } from '../../../activities/config/parse.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const SOURCE = 'mosaic-backup-local';
const run = {
  source: SOURCE,
  tier: 'daily',
  runId: 'daily-2026-11-23T02:00:00Z',
  scheduled: '2026-11-23T02:00:00Z',
} as const;

describe("the host's own source", () => {
  let folder: string;
  let made: TestSite;

  beforeEach(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'secrets'));
    await writeFile(path.join(folder, 'secrets/wiki'), 'password of the wiki\n', { mode: 0o600 });
    made = await makeSite({
      folder,
      plans: { drill: { secondIdentity: { file: path.join(folder, 'keys/second.txt') } } },
      sources: {
        wiki: {
          type: 'mariadb',
          connection: { socket: '/run/x.sock', user: 'u', password: { file: path.join(folder, 'secrets/wiki') } },
        },
        gone: {
          type: 'mariadb',
          connection: { socket: '/run/y.sock', user: 'u', password: { file: path.join(folder, 'secrets/gone') } },
        },
      },
    });
  });
  afterEach(cleanUp);

  async function restored(): Promise<{
    readonly names: readonly string[];
    readonly text: string;
    readonly warnings: readonly string[];
  }> {
    const site = await loadSite({ file: made.file, env: process.env });
    const captured = await captureBackup({ site, ...run, attempt: 1, busy: 0, work: testWork() });
    const store = repositoryStore(site.repository);
    const chain = (await listBackups(store)).filter(({ name }) => name.source === SOURCE);
    const to = path.join(folder, 'restored');
    await restoreBackup({ site, store, chain, to, paths: [], work: testWork() });
    const files = (await readdir(to, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const texts = await Promise.all(files.map((file) => readFile(path.join(file.parentPath, file.name), 'utf8')));
    return { names: files.map(({ name }) => name).toSorted(), text: texts.join('\n'), warnings: captured.warnings };
  }

  it('is in every daily by itself: config, secrets and signing key, but no identity', async () => {
    const spec = planRun(made.site, { site: 'test', plan: 'daily', scheduled: run.scheduled });
    const step = spec.phases
      .find(({ group }) => group === 'configs')
      ?.steps.map(({ source, host, destinations }) => [source, host, destinations]);
    assert.deepEqual(step, [[SOURCE, 'local', ['vault']]]);
    const { names, text, warnings } = await restored();
    assert.deepEqual(names, ['config.yaml', 'signing.pem', 'wiki'], 'what is not there keeps nothing from its backup');
    assert.match(text, /password of the wiki/);
    assert.ok(!text.includes('AGE-SECRET-KEY'));
    assert.deepEqual(warnings, []);
    const listed = await readdir(path.join(made.site.repository, 'configs'));
    assert.deepEqual(listed, [SOURCE]);
  });

  it('P39 leaves an identity out that a secret pulls in: the same file, another name of it, or a file that holds one', async () => {
    const canary = (await readFile(made.identities[0], 'utf8')).trim();
    const second = (await readFile(made.identities[1], 'utf8')).trim();
    const files = ['same', 'linked', 'inside'].map((name) => path.join(folder, 'secrets', name));
    await link(made.identities[0], files[1] ?? '');
    await writeFile(files[2] ?? '', `${'# a large file of keys\n'.repeat(5000)}key: "${second}"\n`);
    const password = (file: string) => ({
      type: 'mariadb',
      connection: { socket: '/run/z.sock', user: 'u', password: { file } },
    });
    const { parse, stringify } = await import('yaml');
    const config: unknown = parse(await readFile(made.file, 'utf8'));
    assert.ok(typeof config === 'object');
    const sources = {
      one: password(made.identities[0]),
      two: password(files[1] ?? ''),
      three: password(files[2] ?? ''),
    };
    await writeFile(made.file, stringify({ ...config, sources }));
    const { names, text, warnings } = await restored();
    assert.deepEqual(names, ['config.yaml', 'signing.pem']);
    assert.ok(!text.includes(canary) && !text.includes(second));
    assert.equal(warnings.length, 3, warnings.join('\n'));
    assert.match(warnings.join('\n'), /it is the file of the identity[^]*it holds an age identity/);
  });

  it('is ready for doctor where a secret is missing, which is told once, by its name', async () => {
    const { stdout } = await mosaicHere(['-c', made.file, '--json', 'doctor']);
    const said = stdout.match(/[^"]*secrets\/gone[^"]*/g) ?? [];
    assert.ok(
      said.some((line) => /secret file .* does not exist/.test(line)),
      said.join('\n'),
    );
    assert.doesNotMatch(stdout, /files\.[a-z-]+"[^}]*secrets\/gone/);
  });

  it('does not stand in the config: not when it is shown, and nobody may name a source so', async () => {
    const { stdout } = await mosaicHere(['-c', made.file, 'config', 'show']);
    assert.ok(!stdout.includes('mosaic-backup-local'));
    const text = await readFile(made.file, 'utf8');
    const parsed = parseConfig(text.replace('  wiki:', '  mosaic-backup-local:'), made.file, {});
    assert.ok(!parsed.ok);
    assert.match(parsed.problems.map(({ message }) => message).join(), /the product uses it itself/);
  });

  it('each host has its own', async () => {
    const { parse, stringify } = await import('yaml');
    const config: unknown = parse(await readFile(made.file, 'utf8'));
    assert.ok(typeof config === 'object');
    const sources = { etc: { type: 'files', host: 'one', paths: ['/etc/hosts'] } };
    await writeFile(made.file, stringify({ ...config, hosts: { one: {}, two: {} }, coordinator: 'one', sources }));
    const site = await loadSite({ file: made.file, host: 'two', env: process.env });
    const { phases } = planRun(site, { site: 'test', plan: 'daily', scheduled: run.scheduled });
    const steps = phases.flatMap((phase) => phase.steps).map(({ source, host }) => [source, host]);
    assert.deepEqual(steps, [
      ['etc', 'one'],
      ['mosaic-backup-one', 'one'],
      ['mosaic-backup-two', 'two'],
    ]);
  });
});
