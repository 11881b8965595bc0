/** One digest of the contents of all files of a restored tree: no inventory has them, since reading everything twice would cost a capture too much. */
import { Socket } from 'node:net';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { CLOSED_FOLDER } from './tree.ts';

/**
 * SHA-256 over the digest and name of each regular file, in the order of their names. The same for the same backup wherever it was
 * restored, by whoever may read all of it: files that this user may not read are left out.
 */
export async function contentsDigest(folder: string, work: Work): Promise<string> {
  const env = { LC_ALL: 'C' };
  let printed = '';
  await runPipeline({
    programs: [
      {
        command: 'find',
        args: ['.', '(', ...CLOSED_FOLDER, '-prune', ')', '-o', '-type', 'f', '-readable', '-print0'],
        cwd: folder,
        env,
      },
      { command: 'sort', args: ['-z'], env },
      { command: 'xargs', args: ['-0', '-r', 'sha256sum', '--zero', '--'], cwd: folder, env },
      { command: 'sha256sum', args: [], env },
    ],
    drain: async (fd) => {
      for await (const chunk of new Socket({ fd, readable: true, writable: false }) as AsyncIterable<Buffer>)
        printed += chunk.toString('latin1');
    },
    bytes: () => printed.length,
    phase: 'reading every file',
    total: null,
    work,
  });
  return printed.slice(0, 64);
}
