import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../../activities/operations/copy-to.ts';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { documentsFolder, writeDocuments } from '../../../../activities/operations/drill/documents.ts';
import { recordDrill } from '../../../../activities/operations/drill/record.ts';
import { reportDrill } from '../../../../activities/operations/drill/report.ts';
import type { DrillReport } from '../../../../model/drill/drill.ts';
import { mosaicHere } from '../../../support/command-line.ts';
import { writeBackup } from '../../../support/backups.ts';
import { drilledSource, drillReport } from '../../../support/drills.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';

const SCHEDULED = '2026-11-23T02:00:00Z';
const OWN = 'mosaic-backup-local';

describe('documents of drills', () => {
  let folder: string;
  let data: string;
  let made: TestSite;

  beforeEach(async () => {
    folder = await temporaryFolder();
    data = path.join(folder, 'srv', "the wiki's data");
    await mkdir(path.join(data, 'pages'), { recursive: true });
    await writeFile(path.join(data, 'pages', 'home'), 'what was there then\n', { mode: 0o640 });
    made = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [data] } },
      plans: { drill: { contacts: ['Ada, +49 30 1234567'], keys: 'the safe', documents: path.join(folder, 'docs') } },
    });
    await Promise.all(['wiki', OWN].map(backedUp));
  });
  after(cleanUp);

  async function backedUp(source: string): Promise<void> {
    const { site } = made;
    const at = { runId: `daily-${SCHEDULED}`, scheduled: SCHEDULED } as const;
    const captured = await captureBackup({ site, source, tier: 'daily', ...at, attempt: 1, busy: 0, work: testWork() });
    await copyToDestination({ site, destination: 'vault', backup: captured.backup, work: testWork() });
  }

  async function drilled(fields: Partial<DrillReport> = {}): Promise<DrillReport> {
    const sources = ['wiki', OWN].map((source) => drilledSource({ source, at: [22, 24, 80, 80, 82] }));
    const report = drillReport({ sources, fields: { config: made.site.configDigest, ...fields } });
    await recordDrill({ site: made.site, report, work: testWork() });
    return report;
  }

  function read(name: string): Promise<string> {
    return readFile(path.join(documentsFolder(made.site), name), 'utf8');
  }

  it('are readable to all, hold no secret, and are not touched where nothing has changed', async () => {
    const report = await drilled();
    const first = await writeDocuments({ site: made.site });
    const name = 'drills/drill-2026-10-18T091320Z';
    for (const each of [
      'runbook.md',
      'runbook-ransomware.md',
      'drills/README.md',
      `${name}.md`,
      `${name}.html`,
      `${name}.json`,
    ]) {
      assert.ok(first.changed.includes(each), each);
      assert.equal((await stat(path.join(first.folder, each))).mode & 0o777, 0o644, each);
      const text = await read(each);
      assert.ok(!text.includes('AGE-SECRET-KEY') && !text.includes('PRIVATE KEY'), each);
    }
    assert.equal((await stat(first.folder)).mode & 0o777, 0o755);
    assert.equal(JSON.parse(await read(`${name}.json`)).signature.keyId.length > 0, true, 'the record itself');
    assert.match(await read('drills/README.md'), /\| 2026-10-18T09:13:20Z \| host-lost \| complete \|/);
    assert.deepEqual((await writeDocuments({ site: made.site, report })).changed, []);
    assert.deepEqual(
      (await readdir(first.folder)).filter((one) => one.startsWith('.')),
      [],
    );
    // A killed one leaves half a file beside the whole ones; one that is just being written is somebody else's.
    const [old, young] = [randomUUID(), randomUUID()].map((id) => path.join(first.folder, `.mosaic-backup-${id}`));
    for (const half of [old, young]) await writeFile(half ?? '', 'ha');
    await utimes(old ?? '', 1, 1);
    await writeFile(path.join(first.folder, 'runbook.md'), 'torn');
    assert.deepEqual((await writeDocuments({ site: made.site })).changed, ['runbook.md']);
    const left = (await readdir(first.folder)).filter((one) => one.startsWith('.'));
    assert.deepEqual(left, [path.basename(young ?? '')]);
  });

  it('say whether the runbook is proven: by which drill, not since the config changed, not by one that failed, or never', async () => {
    const words = async (scenario = 'host-lost') => {
      const { stdout } = await mosaicHere(['-c', made.file, '--json', 'runbook', 'show', '--scenario', scenario]);
      const said: { readonly proven: boolean; readonly words: string; readonly markdown: string } = JSON.parse(stdout);
      assert.ok(said.markdown.includes(said.words.replaceAll('_', String.raw`\_`)), said.markdown);
      return `${said.proven} ${said.words}`;
    };
    assert.match(await words(), /^false NEVER DRILLED/);
    // A part of it proves nothing of the rest, and takes nothing from the proof of the whole.
    const declared = '2026-10-20T09:00:00.000Z';
    const part = [drilledSource({ source: 'wiki', at: [1, 2, 3, 4, 5], declared })];
    const fields = { declared, sources: part, config: made.site.configDigest };
    await recordDrill({ site: made.site, report: drillReport({ declared, sources: part, fields }), work: testWork() });
    assert.match(await words(), /^false NOT PROVEN: the last drill, drill-2026-10-20\S+ on \S+, recovered only wiki\./);
    await drilled();
    assert.equal(await words(), 'true Proven by drill drill-2026-10-18T09:13:20Z on 2026-10-18.');
    assert.match(await words('key-lost'), /^false NEVER DRILLED/);
    await writeFile(made.file, `${await readFile(made.file, 'utf8')}# changed\n`);
    assert.match(
      await words(),
      /^false NOT PROVEN since the config changed at 20\S+Z: the last drill was drill-2026-10-18/,
    );
    await drilled({ outcome: 'partial' });
    assert.match(await words(), /^false NOT PROVEN: the last drill, .* was partial/);
  });

  it('say which place they could not ask for drills, and call nothing undrilled for that alone', async () => {
    const report = await drilled();
    const write = (...args: readonly string[]) => mosaicHere(['-c', made.file, '--json', 'runbook', 'write', ...args]);
    assert.match((await write()).stdout, /"problems": ?\[\]/);
    assert.match(await read('runbook.md'), /Proven by drill/);
    // As on a host whose own repository has no drill, while the destination is away.
    await rm(path.join(made.site.repository, 'drills'), { recursive: true });
    const vault = path.join(folder, 'vault');
    await rename(vault, `${vault}.away`);
    const { code, stdout, stderr } = await write();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^vault: .*is not there/m);
    const { problems }: { readonly problems: readonly { readonly place: string }[] } = JSON.parse(stdout);
    assert.deepEqual(
      problems.map(({ place }) => place),
      ['vault'],
    );
    const known =
      /NEVER DRILLED: nobody has tried this \(host-lost\), as far as is known: not all that drills left at vault could be read/;
    assert.match(await read('runbook.md'), known);
    assert.match((await write('--to', path.join(folder, 'one.md'))).stderr, /^vault: /m);
    const errors = await reportDrill({ site: made.site, report, work: testWork() });
    const told = errors.filter(({ message }) => message.startsWith('the documents may lack drills'));
    assert.deepEqual(
      told.map(({ code: of }) => of),
      ['partial'],
    );
    assert.match(told[0]?.remedy ?? '', /runbook write/);
    await rename(`${vault}.away`, vault);
    await write();
    assert.match(await read('runbook.md'), /Proven by drill/);
  });

  it('name who is called, where the keys are, and the times of the last drill', async () => {
    await drilled();
    const file = path.join(folder, 'runbook.md');
    const written = await mosaicHere(['-c', made.file, 'runbook', 'write', '--to', file]);
    assert.equal(written.code, 0, written.stderr);
    const text = await readFile(file, 'utf8');
    for (const expected of [
      '- Ada, +49 30 1234567\n',
      '\nthe safe\n',
      '| until everything is back (RTO) | 1m 22s |',
      '## Step 1: programs (12s in the drill)',
      ': restore wiki (56s in the drill)\n',
      'mosaic-backup -c recovery.yaml restore latest --source wiki --from vault --accept-age --to "$RECOVERED"/wiki --direct\n',
      'mosaic-backup -c recovery.yaml list --destination vault --recovery-points\n',
      '- **sql**: 42 rows',
    ])
      assert.ok(text.includes(expected), `${expected}\nin\n${text}`);
    const page = path.join(folder, 'runbook.html');
    assert.equal((await mosaicHere(['-c', made.file, 'runbook', 'show', '--page', page])).code, 0);
    assert.match(await readFile(page, 'utf8'), /<h1>Recovery of the site test: host-lost<\/h1>/);
  });

  it('say beforehand where what they are for would leave nothing to rely on', async () => {
    await writeDocuments({ site: made.site });
    const without = [
      ['runbook-ransomware.md', /nothing to rely on: no destination is locked: .* Set lock /],
      ['runbook-primary-storage-lost.md', /nothing to rely on: the site has no second destination: .* Name another /],
    ] as const;
    for (const [name, said] of without) assert.match(await read(name), said);
    for (const name of ['runbook.md', 'runbook-operator-error.md', 'runbook-key-lost.md'])
      assert.doesNotMatch(await read(name), /nothing to rely on/);
  });

  it('name what every source needs, wherever its backups lie, and what could not be asked for it', async () => {
    // Of several hosts: the repository of this one has only its own sources, a destination has them all.
    const { site } = made;
    const db = { type: 'postgres', connection: { host: '/run/postgresql' } } as const;
    const config = parse(await readFile(made.file, 'utf8'));
    const away = { type: 'directory', path: path.join(folder, 'away') };
    const destinations = { away, ...config.destinations };
    await writeFile(made.file, stringify({ ...config, sources: { ...config.sources, db, lost: db }, destinations }));
    const signing = await siteSigner(site);
    const engine = { version: '16.4', major: 16 };
    const fields = { type: 'postgres', engine };
    await writeBackup(path.join(folder, 'vault'), { source: 'db', signer: signing, fields });
    const { stdout } = await mosaicHere(['-c', made.file, 'runbook', 'show']);
    assert.match(stdout, /\| db \| `postgresql-16` \|/);
    assert.match(stdout, /apt-get install --yes postgresql-16\n/);
    assert.match(stdout, /as no backup of them was found: lost\./);
    assert.match(stdout, /\*\*away\*\* could not be looked at: /);
  });

  it('are listed and shown by the command line, also with the repository gone', async () => {
    const report = await drilled({ objectives: { rto: 60_000, rpo: null } });
    const later = drillReport({
      declared: '2026-11-01T10:00:00.000Z',
      scenario: 'key-lost',
      fields: { outcome: 'failed', rto: null },
    });
    await recordDrill({ site: made.site, report: later, work: testWork() });
    await rm(made.site.repository, { recursive: true });
    const listed = await mosaicHere(['-c', made.file, 'drill', 'list', '--destination', 'vault']);
    assert.equal(listed.code, 0, listed.stderr);
    const [header, first, second, ...more] = listed.stdout.split('\n');
    assert.deepEqual(more, []);
    assert.match(header ?? '', /^drill +scenario +outcome +RTO +of +RPO +of +age +missed$/);
    assert.match(first ?? '', /^drill-2026-11-01T10:00:00Z +key-lost +failed +none +10m +.*RTO of the whole/);
    assert.match(second ?? '', /^drill-2026-10-18T09:13:20Z +host-lost +complete +1m 22s +1m .*RTO of the whole$/);
    const everywhere = await mosaicHere(['-c', made.file, '--json', 'drill', 'list']);
    const told: {
      readonly drills: readonly { runId: string; missed: string }[];
      readonly problems: readonly { place: string }[];
    } = JSON.parse(everywhere.stdout);
    assert.deepEqual(
      told.drills.map(({ runId }) => runId),
      [later.runId, report.runId],
    );
    assert.deepEqual(
      told.problems.map(({ place }) => place),
      ['repository'],
    );

    const shown = await mosaicHere(['-c', made.file, 'drill', 'show', report.runId, '--markdown']);
    assert.match(
      shown.stdout,
      /^# Drill drill-2026-10-18T09:13:20Z: host-lost\n[^]*The whole: RTO\*\* was 1m 22s, the objective is 1m\./,
    );
    const latest = await mosaicHere(['-c', made.file, '--json', 'drill', 'show', 'latest']);
    assert.equal(JSON.parse(latest.stdout).drill.runId, later.runId);
    const page = path.join(folder, 'drill.html');
    assert.equal((await mosaicHere(['-c', made.file, 'drill', 'show', 'drill-2026-10', '--page', page])).code, 0);
    assert.match(await readFile(page, 'utf8'), /<svg/);
    const unknown = await mosaicHere(['-c', made.file, 'drill', 'show', 'drill-1999']);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /no drill "drill-1999" on record[^]*drill-2026-11-01/);
  });
});
