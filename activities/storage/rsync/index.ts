/** The destination type `rsync`: a folder on another machine, over ssh; with a shell there, or with rsync alone. */
import { BackupError } from '../../../model/errors.ts';
import type { RsyncDestination } from '../../../model/config/destinations/rsync.ts';
import { isKey } from '../../../model/paths.ts';
import { slowestOf } from '../rate.ts';
import type { Destination, DestinationContext, Pruner } from '../types.ts';
import { ownError } from './errors.ts';
import { askedOnce } from './known.ts';
import type { Link } from './link.ts';
import { withLink } from './links.ts';
import { listObjects } from './list.ts';
import { inPlaceThere } from './place-there.ts';
import { notReplaced } from './rsync-put.ts';
import { rsyncSide } from './rsync-side.ts';
import { hasShell } from './script.ts';
import { serverOf, type Server } from './server.ts';
import { shellSide } from './shell-side.ts';
import type { Side } from './side.ts';
import { withSpool } from './spool.ts';

export function rsyncDestination(context: DestinationContext<RsyncDestination>): Destination {
  const { name, config, state } = context;
  const writer = serverOf(context);

  /** Runs `body` at a server whose folder is the one that was used before. */
  function at<T>(
    use: 'read' | 'write',
    body: (side: Side, link: Link) => Promise<T>,
    { server = writer, signal }: { readonly server?: Server; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    return withLink(server, signal, async (link) => {
      const side = await sideOf(link, context);
      const place = { what: `destination ${name}`, root: config.target, site: context.site, state };
      return inPlaceThere({ side, link, place, use }, () => body(side, link));
    });
  }

  function prunerBy(server: Server): Pruner {
    return {
      async remove(key) {
        requireKey(key, name);
        await at('write', (side) => side.remove(key), { server });
      },
    };
  }

  return {
    name,
    type: config.type,
    offsite: config.offsite ?? false,

    async *list(prefix, options) {
      if (prefix !== '') requireKey(prefix, name);
      yield* await at('read', (_side, link) => listObjects(link, prefix, options?.named));
    },
    async readSmall(key) {
      requireKey(key, name);
      return at('read', async (side) => (await side.read([key])).get(key));
    },
    async open(key) {
      requireKey(key, name);
      return at('read', async (side, link) => {
        const stream = await side.open(key);
        if (stream) return stream;
        throw ownError(
          link.server,
          'not-found',
          `opening ${key}`,
          'it is not there',
          'Run `mosaic-backup verify` on this backup, and use another copy.',
        );
      });
    },
    async digest(key, work) {
      requireKey(key, name);
      return at('read', (side) => side.digest(key, work), { signal: work.signal });
    },
    async putSmall(key, bytes, { replace }) {
      requireKey(key, name);
      await at('write', async (side, link) => {
        if ((await side.store(key, bytes, replace)) === 'other')
          throw replace ? notReplaced(link, key) : conflict(link, key);
      });
    },
    async put(key, file, expected, work, options) {
      requireKey(key, name);
      const maxRate = slowestOf(config.maxRate, options?.maxRate);
      await at(
        'write',
        (side) => withSpool(state, (stage) => side.put({ key, file, expected, maxRate, work, stage })),
        { signal: work.signal },
      );
      work.log.debug({ key, destination: name, bytes: expected.bytes }, 'object stored and confirmed');
    },
    async keep() {
      // A folder has no locks.
    },
    async pruner() {
      const { prune } = config;
      if (prune === undefined) return null;
      return prunerBy(prune === true ? writer : serverOf(context, prune.key));
    },
    clock: () => at('read', (side) => side.clock()),
    free: () => at('read', (side) => side.free()),
    device: () => at('read', (side) => side.device()),
    probe: () => at('write', (side) => side.probe()),
  };
}

async function sideOf(link: Link, { config, state }: DestinationContext<RsyncDestination>): Promise<Side> {
  const { shell, confirm } = config;
  const may = shell === 'auto' ? await askedOnce(link, 'shell', () => hasShell(link)) : shell;
  return may ? shellSide(link) : rsyncSide(link, { state, confirm });
}

function requireKey(key: string, name: string): void {
  if (isKey(key)) return;
  throw new BackupError(
    'refused',
    `"${key}" is not a key: it would leave the folder of ${name}, or name something hidden in it.`,
    {
      facts: { key },
    },
  );
}

function conflict({ server }: Link, key: string): BackupError {
  return ownError(
    server,
    'conflict',
    `writing ${key}`,
    'it exists and is different, and was left as it is',
    'Two things want one name: see what the one that is there says, and move away the one that is wrong.',
  );
}
