/** Writing of artifacts: `producer | zstd | age`, with only the last passing through Node. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Socket } from 'node:net';
import { BackupError } from '../../model/errors.ts';
import type { Work } from '../work.ts';
import { type ArtifactFile, withArtifactFile } from './artifact-file.ts';
import { compressedCounts, compressor, encryptor, holdsAll } from './compression.ts';
import { throttle } from './limits.ts';
import { runPipeline } from './pipeline.ts';
import type { Redact } from './redact.ts';
import type { Compression, Ended, Limits, Program, Streamed } from './types.ts';

export interface WriteOptions {
  /** age recipient (`age1…`) of the backup. */
  readonly recipient: string;
  /** Created here with 0600, and never replaced. */
  readonly file: string;
  readonly compression: Compression;
  /** Fewer bytes before compression cannot be right: `implausible-size`. */
  readonly minPlainBytes: number;
  readonly work: Work;
}

export interface WriteStreamOptions extends WriteOptions {
  /** One program, or several joined by pipes. */
  readonly producer: Program | readonly Program[];
  readonly limits: Limits;
  /** Stored bytes that are expected; null where nothing is known. */
  readonly total: number | null;
  readonly phase: string;
  readonly redact?: Redact;
}

export interface WriteLinesOptions extends WriteOptions {
  readonly lines: AsyncIterable<string> | Iterable<string>;
}

/**
 * Streams programs' output into an artifact. On any failure the file is gone, no child is left, and the first
 * cause is thrown: `program-failed`, `missing-program`, `no-space`, `access-denied`, `refused`,
 * `implausible-size`, `standstill`, `aborted`.
 */
export function writeStream(options: WriteStreamOptions): Promise<Streamed> {
  const { producer, limits, phase, total, redact } = options;
  const producers = isOne(producer) ? [producer] : producer;
  return writeArtifact(options, (programs, file) =>
    runPipeline({
      programs: [...producers, ...throttle(limits), ...programs],
      drain: file.write,
      bytes: file.bytes,
      limits,
      phase,
      total,
      redact,
      work: options.work,
    }),
  );
}

/** Writes lines of our own (without their line breaks) into an artifact. Fails as `writeStream` does. */
export function writeLines(options: WriteLinesOptions): Promise<Streamed> {
  return writeArtifact(options, (programs, file) =>
    runPipeline({
      programs,
      feed: (fd, signal) => {
        const socket = new Socket({ fd, readable: false, writable: true });
        return pipeline(Readable.from(inBlocks(options.lines)), socket, { signal });
      },
      drain: file.write,
      bytes: file.bytes,
      phase: 'writing lists',
      total: null,
      work: options.work,
    }),
  );
}

async function writeArtifact(
  { file, compression, recipient, minPlainBytes }: WriteOptions,
  run: (programs: readonly Program[], file: ArtifactFile) => Promise<readonly Ended[]>,
): Promise<Streamed> {
  return withArtifactFile(file, async (artifact) => {
    const ended = await run([compressor(compression), encryptor(recipient)], artifact);
    const zstd = ended.at(-2);
    if (!zstd) throw new TypeError('a pipeline without zstd');
    const stored = artifact.stored();
    const { plainBytes, compressedBytes } = compressedCounts(zstd);
    const facts = { file, plainBytes, minPlainBytes, compressedBytes, bytes: stored.bytes };
    if (plainBytes < minPlainBytes) {
      throw new BackupError('implausible-size', `Only ${plainBytes} bytes came, fewer than can be right.`, {
        remedy: 'Look at the source: the program that read it ended well, but with too little.',
        facts,
      });
    }
    if (!holdsAll(stored.bytes, compressedBytes)) {
      throw new BackupError('implausible-size', 'What was encrypted is not as long as what was compressed.', { facts });
    }
    return { ...stored, plainBytes, ended };
  });
}

/** Lines with their breaks, in blocks of some 64 KiB: a write for each line would be slow. */
async function* inBlocks(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string> {
  let block = '';
  for await (const line of lines) {
    block += `${line}\n`;
    if (block.length < 65_536) continue;
    yield block;
    block = '';
  }
  if (block !== '') yield block;
}

function isOne(producer: Program | readonly Program[]): producer is Program {
  return !Array.isArray(producer);
}
