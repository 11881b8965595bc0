/** What an artifact is stored with, and what the vault says of it. */
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import type { PutOptions, Stored } from '../types.ts';
import type { Uploads } from '../upload/uploads.ts';
import type { Reading } from './read.ts';
import type { Unrecorded } from './unrecorded.ts';

export interface Put extends Reading {
  readonly uploads: Uploads;
  readonly unrecorded: Unrecorded;
  readonly key: string;
  readonly file: string;
  readonly expected: Stored;
  readonly options: PutOptions;
  readonly work: Work;
}

/** What the vault has confirmed. */
export interface Uploaded {
  readonly archiveId: string;
  /** Hex. */
  readonly treeHash: string;
  /** Called once it is remembered that it is there. */
  readonly done: () => Promise<void>;
}

/** @throws BackupError `failed` unless the vault says that it has computed this tree hash. */
export function confirmed(
  { vault, key }: Pick<Put, 'vault' | 'key'>,
  { archiveId, checksum }: { readonly archiveId?: string | undefined; readonly checksum?: string | undefined },
  treeHash: string,
): { readonly archiveId: string; readonly treeHash: string } {
  if (archiveId !== undefined && checksum === treeHash) return { archiveId, treeHash };
  const { destination } = vault;
  const why = checksum === undefined ? 'it names no tree hash' : `its tree hash there is ${checksum}, not ${treeHash}`;
  throw new BackupError('failed', `${destination} did not confirm ${key} as it was sent: ${why}.`, {
    remedy: 'Look at what lies between (a proxy?) and at the memory of both machines; the step is tried again.',
    facts: { destination, key },
  });
}
