/** How streams are compressed and encrypted: the one place for programs, levels and threads. */
import { BackupError } from '../../model/errors.ts';
import type { Compression, Ended, Program } from './types.ts';

/**
 * The shipped default, by measuring `cat | zstd | age` on 2 cores, 560 MB of a PostgreSQL's files and 600 MB of
 * /usr/share, /usr/include and /etc (best of three; zstd 1.5.4, threads 0 = both cores, 1 was up to a fifth slower):
 *
 *             database files             small files
 *   -1   1.20 s, CPU 1.10 s, 179 MB   1.49 s, CPU 1.65 s, 186 MB
 *   -2   1.29 s, CPU 1.26 s, 180 MB   1.55 s, CPU 1.86 s, 165 MB
 *   -3   1.65 s, CPU 2.00 s, 180 MB   1.91 s, CPU 2.40 s, 155 MB
 *
 * Level 2 is within a few percent of the quickest, and keeps most of what 3 saves on files; 3 costs a third
 * more CPU on the host that is backed up, and on database files saves nothing.
 */
export const DEFAULT_COMPRESSION: Compression = { level: 2, threads: 0 };

/** Compresses stdin. `-vv` makes zstd print exact counts. */
export function compressor({ level, threads }: Compression): Program {
  return { command: 'zstd', args: [`-${level}`, `-T${threads}`, '-vv', '--no-progress', '-c'] };
}

/**
 * Decompresses stdin; fails on an empty or truncated stream, and where the checksum of a frame differs. Its threads that
 * read and write stay: without them (--no-asyncio) zstd alone took a fifth less CPU, but between age and tar none less,
 * and a restore of 3.1 GB was a sixth slower (three pairs of runs).
 */
export function decompressor(): Program {
  return { command: 'zstd', args: ['-d', '-vv', '--no-progress', '-c'] };
}

/** Encrypts stdin to a recipient. */
export function encryptor(recipient: string): Program {
  return { command: 'age', args: ['-r', recipient] };
}

/** Decrypts stdin with an identity, which goes through a pipe. */
export function decryptor(identity: string): Program {
  return { command: 'age', args: ['-d', '-i', '/dev/fd/3'], inputs: [`${identity.trim()}\n`] };
}

/** What zstd counted: `(30000000 B => 30000697 B`, before 1.5 `(30000000 => 30000697 bytes`. */
export function compressedCounts(ended: Ended): { readonly plainBytes: number; readonly compressedBytes: number } {
  const match = /\(\s*(\d+)(?: B)? =>\s*(\d+) (?:B|bytes)/.exec(ended.stderr);
  if (!match) throw uncounted(ended);
  return { plainBytes: Number(match[1]), compressedBytes: Number(match[2]) };
}

/** What `zstd -d` counted: `30000000 bytes`. */
export function decompressedBytes(ended: Ended): number {
  const match = /:\s*(\d+) bytes/.exec(ended.stderr);
  if (!match) throw uncounted(ended);
  return Number(match[1]);
}

/** age writes a header, a nonce of 16 bytes, and chunks of 64 KiB each with a tag of 16. */
const CHUNK = 65_536;
const TAG = 16;
const HEADER = { least: 100, most: 8_192 };

/** Whether `bytes` is what age makes of so many compressed bytes: that nothing was lost between zstd and the file. */
export function holdsAll(bytes: number, compressedBytes: number): boolean {
  const payload = TAG + compressedBytes + TAG * Math.max(1, Math.ceil(compressedBytes / CHUNK));
  const header = bytes - payload;
  return header >= HEADER.least && header <= HEADER.most;
}

function uncounted({ stderr }: Ended): BackupError {
  return new BackupError('program-failed', 'zstd did not say how many bytes it took.', {
    remedy: 'zstd 1.4 or newer is needed; look at `zstd --version`.',
    facts: { program: 'zstd', stderr: stderr.slice(-1_000) },
    retryable: false,
  });
}
