import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { execa } from 'execa';
import { z } from 'zod';
import { LAUNCHER, mosaic } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { startTemporal } from '../../support/temporal-process.ts';

const printed = z.object({ findings: z.array(z.object({ code: z.string(), message: z.string() })) });

describe('the watchdog, of a Temporal whose disk is full', function () {
  this.timeout(180_000);
  after(cleanUp);

  it('tells that it does nothing any more, and looks at all else, though it answers each question', () =>
    withSmallDisk(16, async (disk) => {
      const folder = await temporaryFolder();
      const data = path.join(folder, 'data');
      await mkdir(data);
      await writeFile(path.join(data, 'file'), 'hello');
      const temporal = await startTemporal(disk);
      try {
        const test = await makeSite({
          folder,
          sources: { data: { type: 'files', paths: [data] } },
          temporal: { address: temporal.address },
          watchdog: { patience: '1s' },
        });
        assert.equal((await mosaic(['-c', test.file, 'schedules', 'apply'])).code, 0);
        const filled = pipeline(Readable.from(zeros()), createWriteStream(path.join(disk, 'full')));
        await assert.rejects(filled, { code: 'ENOSPC' });
        // Two days later.
        const command = [LAUNCHER, '-c', test.file, '--json', 'watchdog', '--dry-run'];
        const { exitCode, stdout, stderr } = await execa('faketime', ['-f', '+2d', ...command], { reject: false });
        assert.equal(exitCode, 10, stderr);
        const { findings } = printed.parse(JSON.parse(stdout));
        const codes = new Set(findings.map(({ code }) => code));
        assert.deepEqual([...codes].toSorted(), ['backup-overdue', 'schedule-skipping', 'worker-missing']);
        assert.match(findings.find(({ code }) => code === 'schedule-skipping')?.message ?? '', /has done nothing/);
      } finally {
        await temporal.kill();
      }
    }));
});

function* zeros(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(4096);
}
