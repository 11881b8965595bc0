import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { mosaic } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { startTemporal } from '../../support/temporal-process.ts';

const printed = z.object({ findings: z.array(z.object({ code: z.string() })) });

describe('the watchdog, of a Temporal whose disk is full', function () {
  this.timeout(180_000);
  after(cleanUp);

  it('tells that Temporal cannot be used, and looks at all else: it answers some questions, and others not', () =>
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
        // In a process of its own: what nobody waits for any more would end it.
        const { code, stdout, stderr } = await mosaic(['-c', test.file, '--json', 'watchdog', '--dry-run']);
        assert.equal(code, 10, stderr);
        const codes = printed.parse(JSON.parse(stdout)).findings.map((one) => one.code);
        assert.deepEqual([...new Set(codes)].toSorted(), ['backup-overdue', 'temporal-unreachable']);
      } finally {
        await temporal.kill();
      }
    }));
});

function* zeros(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(4096);
}
