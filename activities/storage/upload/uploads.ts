/**
 * What is remembered of uploads that are under way: one small file of state each, whose name tells who works at it. An
 * upload of a dead process is taken over by whoever puts the same object next.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { syncFolder } from '../durable.ts';
import { ifThere } from '../fs-errors.ts';
import { holderOfName, holderTag, isAlive, thisHolder } from '../holder.ts';
import { readMemoryFile, writeMemoryFile } from '../memory-file.ts';
import type { Stored } from '../types.ts';

const remembered = z.looseObject({
  /** The bucket, or the vault. */
  bucket: z.string(),
  object: z.string(),
  uploadId: z.string(),
  /** What is uploaded, and in parts of which size. */
  bytes: z.number(),
  sha256: z.string(),
  partSize: z.number(),
});
export type Upload = z.infer<typeof remembered>;

export interface Uploads {
  /** Remembers a new upload as one of this process, and returns the file of state. */
  remember(upload: Upload): Promise<string>;
  /** Takes over an upload of this object that its process died over; undefined where there is none. */
  adopt(object: string, expected: Stored): Promise<Adopted | undefined>;
  /** Lets go of an upload that failed, so that the next attempt may take it over, in whichever process. */
  release(file: string): Promise<void>;
  forget(file: string): Promise<void>;
  /** All that are remembered, and whether somebody may still work at them. */
  all(): Promise<readonly RememberedUpload[]>;
}

export interface Adopted {
  readonly file: string;
  readonly upload: Upload;
}

export interface RememberedUpload extends Adopted {
  readonly alive: boolean;
}

/** No process has this number. */
const NOBODY = { pid: 0, start: '0' } as const;

/** @param folder of this destination, in the host's state. */
export function uploadsIn(folder: string, bucket: string): Uploads {
  function nameOf(object: string, holder = thisHolder()): string {
    return `${digestOf(object)}-${randomUUID()}${holderTag(holder)}`;
  }

  async function all(): Promise<readonly RememberedUpload[]> {
    const found = await Promise.all(
      ((await ifThere(readdir(folder))) ?? []).map(async (name) => {
        const holder = holderOfName(name);
        const file = path.join(folder, name);
        if (holder === undefined) {
          await sweepHalf(file);
          return [];
        }
        const upload = await readMemoryFile(file, remembered);
        if (upload === undefined || upload.bucket !== bucket) return [];
        // In another namespace of this boot nothing can be said of it: then it counts as alive.
        return [{ file, upload, alive: (await isAlive(holder)) ?? true }];
      }),
    );
    return found.flat();
  }

  return {
    all,
    async remember(upload) {
      const file = path.join(folder, nameOf(upload.object));
      await writeMemoryFile(file, upload);
      return file;
    },
    async adopt(object, expected) {
      for (const { file, upload, alive } of await all()) {
        if (alive || upload.object !== object || upload.bytes !== expected.bytes) continue;
        if (upload.sha256 !== expected.sha256) continue;
        const own = path.join(folder, nameOf(object));
        // Whoever renames it has it: the other finds it gone.
        const taken = await ifThere(rename(file, own).then(() => true));
        if (taken === undefined) continue;
        await syncFolder(folder);
        return { file: own, upload };
      }
      return undefined;
    },
    async release(file) {
      const object = (await readMemoryFile(file, remembered))?.object ?? '';
      await ifThere(rename(file, path.join(folder, nameOf(object, { ...thisHolder(), ...NOBODY }))));
      await syncFolder(folder);
    },
    async forget(file) {
      await rm(file, { force: true });
    },
  };
}

/** What `writeMemoryFile` appends while it writes. */
const HALF = /\.[0-9a-f-]{36}$/;

/** Removes what was half written when its process died: nothing was uploaded yet that it could tell of. */
async function sweepHalf(file: string): Promise<void> {
  const holder = HALF.test(file) ? holderOfName(file.replace(HALF, '')) : undefined;
  if (holder && (await isAlive(holder)) === false) await rm(file, { force: true });
}

function digestOf(object: string): string {
  return createHash('sha256').update(object).digest('hex').slice(0, 32);
}
