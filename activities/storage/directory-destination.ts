/** The destination type `directory`: a folder on another disk, or on a network share. */
import { stat } from 'node:fs/promises';
import type { DirectoryDestination } from '../../model/config/destination.ts';
import { deviceOf } from './device.ts';
import { directoryStore, fileOf } from './directory.ts';
import { translated } from './fs-errors.ts';
import { withIncoming } from './incoming.ts';
import { requirePlace } from './place.ts';
import { putFile } from './put-file.ts';
import { removeThere } from './remove-there.ts';
import { freeSpace } from './space.ts';
import { writeNew } from './durable.ts';
import type { Destination, DestinationContext, ListOptions, PutOptions, Stored } from './types.ts';
import { listThere, openThere, readThere, whileThere, writeThere, type Presence } from './while-there.ts';
import type { Work } from '../work.ts';

export function directoryDestination(context: DestinationContext<DirectoryDestination>): Destination {
  const { name, config, site, state } = context;
  const root = config.path;
  const store = directoryStore(root);
  const what = `destination ${name}`;
  const presence: Presence = { what, root, there: () => there('read') };

  function there(use: 'read' | 'write'): Promise<void> {
    const removable = config.removable ?? false;
    return requirePlace({ what, root, site, state, removable }, use);
  }

  async function writing<T>(body: () => Promise<T>): Promise<T> {
    await there('write');
    return writeThere(presence, body);
  }

  return {
    name,
    type: config.type,
    offsite: config.offsite ?? false,

    async *list(prefix: string, options?: ListOptions) {
      await there('read');
      yield* listThere(presence, () => store.list(prefix, options));
    },
    async readSmall(key) {
      await there('read');
      return readThere(presence, () => store.readSmall(key));
    },
    async open(key) {
      await there('read');
      return openThere(presence, () => store.open(key));
    },
    async digest(key, work) {
      await there('read');
      return readThere(presence, () => store.digest(key, work));
    },
    putSmall: (key, bytes, options) => writing(() => store.putSmall(key, bytes, options)),
    async put(key: string, file: string, expected: Stored, work: Work, options?: PutOptions) {
      const target = fileOf(root, key);
      await writing(() =>
        translated(target, `copying ${key} to ${name}`, () =>
          putFile({ root, key, file, expected, to: name, maxRate: options?.maxRate, work }),
        ),
      );
    },
    async keep() {
      // A folder has no locks.
    },
    clock: () =>
      writing(() =>
        translated(root, `asking for the time at ${name}`, () =>
          // Of a network share the server says what time it is.
          withIncoming(root, 'clock', async (file) => {
            await writeNew(file, Buffer.from('clock'));
            return (await stat(file)).mtime;
          }),
        ),
      ),
    async pruner() {
      return {
        async remove(key) {
          await there('write');
          await removeThere(presence, key);
        },
      };
    },
    async free() {
      await there('read');
      const free = await whileThere(presence.there, () => freeSpace(root));
      // Of one that is gone it is that of the disk above.
      await there('read');
      return free;
    },
    async device() {
      await there('read');
      return whileThere(presence.there, () => deviceOf(root));
    },
    probe: () =>
      writing(() =>
        translated(root, `writing to ${name}`, () =>
          withIncoming(root, 'probe', (file) => writeNew(file, Buffer.from('probe'))),
        ),
      ),
  };
}
