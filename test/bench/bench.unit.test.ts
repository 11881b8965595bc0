import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import { randomBytes } from './data/random.ts';
import { text } from './data/text.ts';
import { copyLines, tables } from './data/tables.ts';
import { measure } from './measure.ts';
import { parseOptions } from './options.ts';
import type { Contender } from './peers/types.ts';
import { asJson, met, type Result, type Series } from './result.ts';
import { median } from './statistics.ts';
import { tableOf } from './table.ts';

const MIB = 1024 * 1024;

describe('data of the benchmark', () => {
  it('is the same every time', () => {
    assert.deepEqual(fill('a', 100_000), fill('a', 100_000));
    assert.notDeepEqual(fill('a', 100_000), fill('b', 100_000));
    assert.deepEqual(randomBytes('a').bytes(100), randomBytes('a').bytes(100));
  });

  it('compresses 2 to 4 times under zstd -3, and a tenth of it not at all', () => {
    const prose = ratioOf(fill('tree/text', 8 * MIB));
    const mixed = 1 / (0.9 / prose + 0.1);
    assert.ok(mixed > 2 && mixed < 4, `${mixed}`);
    assert.ok(ratioOf(randomBytes('tree/noise').bytes(MIB)) < 1.01);
  });

  it('has a row of every table that COPY can read', () => {
    for (const table of tables()) {
      const lines = Buffer.concat([...copyLines(table, 300)])
        .toString('latin1')
        .trimEnd()
        .split('\n');
      assert.equal(lines.length, 300);
      for (const line of lines) assert.equal(line.split('\t').length, table.columns.length);
    }
    const shares = tables().reduce((sum, { share }) => sum + share, 0);
    assert.equal(shares.toFixed(6), '1.000000');
  });
});

describe('the watch over the memory of a process', () => {
  it('keeps nobody from ending who has failed before it was stopped', async () => {
    const memory = new URL('memory.ts', import.meta.url);
    const program = `import { watchMemory } from '${memory.href}'; watchMemory(process.pid);`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 30_000 });
  });
});

describe('results of the benchmark', () => {
  it('medians are those of the middle', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.ok(Number.isNaN(median([])));
  });

  it('a ratio is ours divided by the peer, and is judged by its goal', () => {
    const result = resultOf(series('ours', [11, 9, 10]), series('quick', [10], 1.1), series('slow', [30, 10, 20], 0.4));
    assert.deepEqual(pick(result, 'name', 'unit', 'median', 'runs', 'ratios', 'goal', 'met'), {
      name: 'job',
      unit: 's',
      median: 10,
      runs: [11, 9, 10],
      ratios: { quick: 1, slow: 0.5 },
      goal: { median: null, ratios: { quick: 1.1, slow: 0.4 } },
      met: false,
    });
    assert.match(tableOf(result), /quick .* 1\.00 +≤ 1\.10 +reached/);
    assert.match(tableOf(result), /slow .* 0\.50 +≤ 0\.40 +MISSED/);
  });

  it('a goal of our own is a limit of the median', () => {
    assert.equal(met(resultOf(series('ours', [900, 1_000, 5_000], 1_000))), true);
    assert.equal(met(resultOf(series('ours', [1_001], 1_000))), false);
    assert.equal(met(resultOf(series('ours', [1_001]), series('peer', [1]))), null);
  });

  it('a peer that takes long runs in the first rounds only, and the table says how often each ran', async () => {
    const order: string[] = [];
    const contender = (name: string, most?: number): Contender => ({
      name,
      settings: '',
      most,
      prepare: async () => {},
      run: async () => {
        order.push(name);
        return { seconds: order.length, stored: 0, worker: null, programs: 0 };
      },
      check: async () => {},
      clear: async () => {},
    });
    const { signal } = new AbortController();
    const [ours, ...peers] = await measure({
      contenders: [contender('ours'), contender('quick'), contender('slow', 1)],
      rounds: 3,
      goals: {},
      settle: async () => {},
      say: () => {},
      signal,
    });
    assert.equal(order.join(' '), 'ours quick slow ours quick ours quick');
    assert.ok(ours);
    const table = tableOf(resultOf(ours, ...peers));
    assert.match(table, /median +min – max +runs +ours ÷ it/);
    assert.match(table, /quick .* s +3 +0\.\d+/);
    assert.match(table, /slow +3\.00 s +3\.00 s – 3\.00 s +1 /);
  });

  it('a benchmark that does not exist is refused by name', () => {
    assert.throws(() => parseOptions(['--only', 'nothing']), /no benchmark "nothing"/);
    assert.throws(() => parseOptions(['--rounds', '0']), /from 1 to 99/);
    assert.equal(parseOptions(['--help']), 'help');
  });
});

function fill(seed: string, bytes: number): Buffer {
  const filled = Buffer.alloc(bytes);
  text(seed).fill(filled);
  return filled;
}

function ratioOf(data: Buffer): number {
  return data.length / zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }).length;
}

function series(name: string, runs: readonly number[], goal: number | null = null): Series {
  return { name, settings: '', runs, goal, stored: null, worker: null, programs: null };
}

function resultOf(ours: Series, ...peers: readonly Series[]): Result {
  return { name: 'job', title: 'a job', unit: 's', ours, peers, notes: [] };
}

function pick(result: Result, ...names: readonly string[]): object {
  return Object.fromEntries(Object.entries(asJson(result)).filter(([name]) => names.includes(name)));
}
