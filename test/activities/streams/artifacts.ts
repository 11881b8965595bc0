/** Artifacts of a test's own, and what they leave behind. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { newIdentity } from '../../../activities/keys/identity.ts';
import type { Stored } from '../../../activities/storage/types.ts';
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import { type Expected, readStream } from '../../../activities/streams/read.ts';
import type { Program, Streamed } from '../../../activities/streams/types.ts';
import { writeStream, type WriteStreamOptions } from '../../../activities/streams/write.ts';
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import { OWNER, processesOf } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';

export const KEYS = await newIdentity();

/** Writes what a program prints into a file; everything else as shipped, unless the test says otherwise. */
export function write(
  producer: Program | readonly Program[],
  file: string,
  options: Partial<WriteStreamOptions> = {},
): Promise<Streamed> {
  return writeStream({
    producer,
    file,
    recipient: KEYS.recipient,
    compression: DEFAULT_COMPRESSION,
    limits: {},
    minPlainBytes: 0,
    total: null,
    phase: 'capturing',
    work: testWork(),
    ...options,
  });
}

/** Reads an artifact's file into a program. */
export function read(
  file: string,
  expected: Expected,
  consumer: Program | readonly Program[],
  identity = KEYS.identity,
): Promise<void> {
  return readStream({ source: createReadStream(file), expected, identity, consumer, work: testWork() });
}

/** A shell as a program: what no real program does on demand. */
export function shell(script: string, more: Partial<Program> = {}): Program {
  return { command: 'sh', args: ['-c', script], ...more };
}

/** The failure of a promise, which must be one of ours with this code. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<BackupError> {
  const error: unknown = await promise.then(
    () => assert.fail(`it succeeded instead of failing with ${code}`),
    (error: unknown) => error,
  );
  if (!(error instanceof BackupError)) throw error;
  assert.equal(error.code, code, error.message);
  return error;
}

export interface OwnChildren {
  /** Names of the programs that live. */
  all(): readonly string[];
  /** The pid of the one with this name, once it runs. */
  find(name: string): Promise<number>;
}

/** Tells the children of a suite from others', and fails each test that leaves one. */
export function ownChildren(): OwnChildren {
  const owner = randomUUID();
  // Children inherit it; this process itself is not counted, since /proc shows how it was started.
  before(() => void (process.env[OWNER] = owner));
  after(() => void delete process.env[OWNER]);
  const living = () => processesOf(owner);
  afterEach(async () => {
    try {
      await until('no child is left', () => living().length === 0, 3_000);
    } finally {
      for (const { pid } of living()) process.kill(pid, 'SIGKILL');
    }
  });
  return {
    all: () => living().map(({ name }) => name),
    find: (name) => until(name, () => living().find((found) => found.name === name)?.pid),
  };
}

export function assertGone(file: string): void {
  assert.equal(existsSync(file), false, `${file} is still there`);
}

/** The same artifact as the manifest tells of it. */
export function expectedOf({ bytes, sha256 }: Stored): Stored {
  return { bytes, sha256 };
}
