import assert from 'node:assert/strict';
import { execa } from 'execa';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { ownTemporal } from '../../support/ports.ts';

const printed = z.looseObject({
  outcome: z.string(),
  proven: z.boolean(),
  proofs: z.array(
    z.looseObject({
      source: z.string(),
      found: z.looseObject({
        checks: z.array(z.looseObject({ name: z.string(), ok: z.boolean() })),
        measured: z.looseObject({ restore: z.number(), bytes: z.number() }).optional(),
      }),
    }),
  ),
});

const MAIN = fileURLToPath(new URL('../../../infra/quickstart/main.ts', import.meta.url));

describe('npm start -- -c FILE', () => {
  let folder: string;
  let file: string;

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', 'hello.txt'), 'hello');
    ({ file } = await makeSite({
      folder,
      sources: {
        data: {
          type: 'files',
          paths: [path.join(folder, 'data')],
          probes: [{ name: 'greeting', file: path.join(folder, 'data/hello.txt'), contains: 'hello' }],
        },
      },
      temporal: await ownTemporal(),
    }));
  });
  after(cleanUp);

  it('backs up, verifies, restores into scratch, checks, asks its probes and measures', async () => {
    const { stdout, exitCode } = await start('-c', file, '--once', '--prove', '--json');
    assert.equal(exitCode, 0, stdout);
    const { outcome, proven, proofs } = printed.parse(JSON.parse(stdout));
    assert.deepEqual([outcome, proven], ['complete', true]);
    const { checks = [], measured } = proofs.find(({ source }) => source === 'data')?.found ?? {};
    assert.deepEqual(
      checks.filter(({ name }) => name.startsWith('probe')).map(({ name, ok }) => [name, ok]),
      [['probe: greeting', true]],
    );
    assert.ok((measured?.bytes ?? 0) >= 5 && (measured?.restore ?? 0) > 0, JSON.stringify(measured));
  });

  it('ends with 9 where what was restored does not answer as its probe wants, and says which', async () => {
    const wrong = path.join(folder, 'wrong.yaml');
    await writeFile(wrong, (await readFile(file, 'utf8')).replace('contains: hello', 'contains: farewell'));
    const { stdout, exitCode } = await start('-c', wrong, '--once', '--prove');
    assert.equal(exitCode, 9, stdout);
    assert.match(stdout, /data: WRONG: probe: greeting: /);
  });

  it('ends with the exit code of a run of which only the own source of the host came through, and says what to do', async () => {
    await rm(path.join(folder, 'data'), { recursive: true });
    const impatient = path.join(folder, 'impatient.yaml');
    const waits = 'plans: { daily: { captureDeadline: 2s, retryFirst: 200ms, retryMax: 1s } }\n';
    await writeFile(impatient, `${await readFile(file, 'utf8')}\n${waits}`);
    const { stdout, stderr, exitCode } = await start('-c', impatient, '--once');
    assert.equal(exitCode, 3, stderr);
    assert.match(stdout + stderr, /What to do|→/);
  });

  function start(...args: string[]) {
    return execa(process.execPath, [MAIN, ...args], { reject: false, env: { TMPDIR: folder } });
  }
});
