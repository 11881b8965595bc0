/** The destination type `directory`: a folder on another disk, or on a network share. */
import { rm, stat } from 'node:fs/promises';
import type { DirectoryDestination } from '../../model/config/destination.ts';
import { deviceOf } from './device.ts';
import { directoryStore, fileOf, removeObject } from './directory.ts';
import { translated } from './fs-errors.ts';
import { incomingFile } from './incoming.ts';
import { requirePlace } from './place.ts';
import { putFile } from './put-file.ts';
import { freeSpace } from './space.ts';
import { writeNew } from './durable.ts';
import type { Destination, DestinationContext, ListOptions, PutOptions, Stored } from './types.ts';
import type { Work } from '../work.ts';

export function directoryDestination(context: DestinationContext<DirectoryDestination>): Destination {
  const { name, config, site, state } = context;
  const root = config.path;
  const store = directoryStore(root);

  function there(use: 'read' | 'write'): Promise<void> {
    const removable = config.removable ?? false;
    return requirePlace({ what: `destination ${name}`, root, site, state, removable }, use);
  }

  return {
    name,
    type: config.type,
    offsite: config.offsite ?? false,

    async *list(prefix: string, options?: ListOptions) {
      await there('read');
      yield* store.list(prefix, options);
    },
    async readSmall(key) {
      await there('read');
      return store.readSmall(key);
    },
    async open(key) {
      await there('read');
      return store.open(key);
    },
    async digest(key, work) {
      await there('read');
      return store.digest(key, work);
    },
    async putSmall(key, bytes, options) {
      await there('write');
      await store.putSmall(key, bytes, options);
    },
    async put(key: string, file: string, expected: Stored, work: Work, options?: PutOptions) {
      const target = fileOf(root, key);
      await there('write');
      await translated(target, `copying ${key} to ${name}`, () =>
        putFile({ root, key, file, expected, to: name, maxRate: options?.maxRate, work }),
      );
    },
    async keep() {
      // A folder has no locks.
    },
    async clock() {
      await there('write');
      return translated(root, `asking for the time at ${name}`, async () => {
        // Of a network share the server says what time it is.
        const file = await incomingFile(root, 'clock');
        try {
          await writeNew(file, Buffer.from('clock'));
          return (await stat(file)).mtime;
        } finally {
          await rm(file, { force: true });
        }
      });
    },
    async pruner() {
      return {
        async remove(key) {
          await there('write');
          await removeObject(root, key);
        },
      };
    },
    async free() {
      await there('read');
      return freeSpace(root);
    },
    async device() {
      await there('read');
      return deviceOf(root);
    },
    async probe() {
      await there('write');
      await translated(root, `writing to ${name}`, async () => {
        const file = await incomingFile(root, 'probe');
        try {
          await writeNew(file, Buffer.from('probe'));
        } finally {
          await rm(file, { force: true });
        }
      });
    },
  };
}
