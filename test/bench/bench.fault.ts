/**
 * Every benchmark runs to its end on little data, and says what a table must hold. What it measures judges nothing here.
 * Minutes long, so `npm run test:faults` has it and `npm test` has not.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { BENCHES } from './benches/index.ts';
import { median } from './statistics.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Results and their peers, by the name of the benchmark. */
const RESULTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'postgres-first': { 'postgres-first': ['shell pipeline', 'pg_basebackup -z', 'restic', 'borg'] },
  pgbackrest: { 'pgbackrest-backup': ['pgBackRest'], 'pgbackrest-restore': ['pgBackRest'] },
  'files-first': { 'files-first': ['shell pipeline', 'restic', 'borg'] },
  'files-unchanged': { 'files-unchanged': ['tar --listed-incremental', 'restic', 'borg'] },
  restore: { 'restore-postgres': ['shell pipeline'], 'restore-files': ['shell pipeline'] },
  drill: {
    drill: ['critical path by hand', 'all of it by hand'],
    'drill-larger': ['critical path by hand', 'all of it by hand'],
  },
  'incremental-postgres': { 'incremental-postgres': ['a full'] },
  'incremental-mariadb': { 'incremental-mariadb': ['a full'] },
  'logs-postgres': logs('logs-postgres'),
  'logs-mariadb': logs('logs-mariadb'),
  's3-upload': { 's3-upload': ['rclone', 's3cmd'], 's3-upload-memory': [] },
  's3-resume': { 's3-resume-10': [], 's3-resume-50': [], 's3-resume-90': [] },
  'fan-out': { 'fan-out': ['directory', 's3', 'rsync'] },
  listing: {
    'listing-again': [],
    'listing-first': [],
    'prune-plan': [],
    'listing-again-s3': [],
    'listing-first-s3': [],
    'prune-plan-s3': [],
  },
  'memory-growth': { 'memory-growth': [] },
  'tiny-run': { 'tiny-run': [] },
  fleet: {
    'fleet-steps': ['30 hosts', '10 hosts'],
    'fleet-events-source': [],
    'fleet-events-run': [],
    'fleet-memory': ['30 hosts', '10 hosts'],
  },
  'first-byte': { 'first-byte-postgres': [], 'first-byte-files': [] },
};

function logs(name: string): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(['idle-cpu', 'idle-stored', 'delay', 'throughput'].map((what) => [`${name}-${what}`, []]));
}

const bytes = z.number().nonnegative().nullable();
const memoryAndSize = { storedBytes: bytes, peakMemoryBytes: z.strictObject({ worker: bytes, programs: bytes }) };
const runs = z.array(z.number()).min(1);

const row = z.strictObject({
  name: z.string(),
  unit: z.enum(['s', 'ms', 'MB', 'KB', 'MB/s', 'events']),
  median: z.number(),
  runs,
  ratios: z.record(z.string(), z.number().positive()),
  goal: z.strictObject({ median: z.number().nullable(), ratios: z.record(z.string(), z.number()) }),
  met: z.boolean().nullable(),
  ...memoryAndSize,
  peers: z.record(
    z.string(),
    z.strictObject({ median: z.number().positive(), runs, settings: z.string().min(1), ...memoryAndSize }),
  ),
});

describe('npm run bench', function () {
  this.timeout(1_800_000);
  let folder: string;
  before(async () => {
    folder = await temporaryFolder({ onDisk: true });
  });
  after(cleanUp);

  it('has no benchmark that is not tried here', () => {
    assert.deepEqual(BENCHES.map(({ name }) => name).toSorted(), Object.keys(RESULTS).toSorted());
  });

  for (const { name } of BENCHES) {
    it(`${name} runs, and writes its table`, async () => {
      const out = path.join(folder, `${name}.json`);
      // The data are made by the first that needs them, as in one run of all.
      const args = [
        MAIN,
        '--small',
        '--rounds',
        '1',
        '--cache',
        path.join(folder, 'cache'),
        '--only',
        name,
        '--out',
        out,
      ];
      const { exitCode, stdout, stderr } = await execa({ reject: false })(process.execPath, args);
      assert.equal(exitCode, 0, stderr);
      const rows = z.array(row).parse(JSON.parse(await readFile(out, 'utf8')));
      const found = rows.map(({ name, ratios }) => [name, Object.keys(ratios)] as const);
      assert.deepEqual(Object.fromEntries(found), RESULTS[name]);
      for (const each of rows) {
        assert.equal(each.median, median(each.runs), each.name);
        assert.deepEqual(Object.keys(each.peers), Object.keys(each.ratios), 'who is compared is told of');
        assert.ok(stdout.includes(each.unit), 'the table is printed too');
      }
      assert.match(stdout, /these figures judge nothing/);
    });
  }
});
