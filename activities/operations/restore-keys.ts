/** Keys of a Redis backup into a running server: the backup is restored into scratch, a private server is started on it, and asked for them. */
import { tmpdir } from 'node:os';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { adapterFor } from '../sources/index.ts';
import type { Connection } from '../sources/redis/connection.ts';
import { keysNote, restOf } from '../sources/redis/keys-moved.ts';
import { existing, keysOf, moveKeys, showKey, VALUES, type Moved } from '../sources/redis/keys.ts';
import type { ExportTarget } from '../sources/types.ts';
import { openTalk } from '../sources/redis/talk.ts';
import type { Catalogued } from '../storage/catalogue.ts';
import type { Store } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { requireOwnServer } from './own-server.ts';
import { sourceConfig } from './source-config.ts';
import { withRestored } from './with-restored.ts';

export interface RestoreKeysRequest {
  readonly site: Site;
  readonly store: Store;
  /** Full first. */
  readonly chain: readonly Catalogued[];
  readonly source: string;
  /** As SCAN takes it: `session:*`. */
  readonly pattern: string;
  /** Number of the database, in the backup and in the server. */
  readonly database: number;
  readonly into: Connection;
  /** Keys that are there give up their values. */
  readonly replace: boolean;
  /** What an attempt before this one, which was cut off, had noted last. */
  readonly earlier?: unknown;
  /** Told, and awaited, before each page of keys is sent, and after the last: what a later attempt goes on from. */
  readonly onMoved?: (note: object) => Promise<void>;
  readonly work: Work;
}

export interface KeysPlan {
  /** Names, as redis-cli shows them. */
  readonly keys: readonly string[];
  /** Those of them that the server has, and that no attempt before can have restored. */
  readonly taken: readonly string[];
  /** `earlier` says that all of them are restored: there is nothing left to do, and `carryOut` only tells how many. */
  readonly done: boolean;
  /** @throws BackupError `conflict` where some are there and must not be replaced; as `moveKeys`. */
  carryOut(): Promise<Moved>;
}

/** Looks at both sides, and hands the plan over. @throws BackupError `not-found` where no key is meant; `unreachable`, `access-denied`. */
export async function withKeysPlan<T>(request: RestoreKeysRequest, use: (plan: KeysPlan) => Promise<T>): Promise<T> {
  const { site, source, pattern, database, into, replace, onMoved, work } = request;
  const earlier = keysNote(request.earlier);
  const config = sourceConfig(site, source);
  // Before anything is fetched: whether it answers, and lets this user in.
  const to = await openTalk(into, database, work.signal);
  try {
    return await withRestored(
      { ...request, within: site.config.plans.restoreTest.scratch ?? tmpdir() },
      async ({ restored, scratch, chain }) => {
        const service = await adapterFor('redis').serve?.({ source, config, chain, restored, scratch, work });
        if (!service) throw new TypeError('redis has a server');
        try {
          const own = { host: '', port: 0, socket: service.env['REDIS_SOCKET'] ?? '' } as const;
          const nobody = { user: undefined, password: undefined, ca: undefined } as const;
          const from = await openTalk({ ...own, ...nobody }, database, work.signal);
          const keys = await keysOf(from, pattern, work);
          // Those that were restored may have come to the end of their TTL since.
          if (keys.length === 0 && !earlier) throw nothing(pattern, database);
          const rest = earlier ? restOf(keys, earlier) : keys;
          const others = earlier && !replace ? rest.slice(VALUES) : rest;
          const taken = (await existing(to, others)).map(showKey);
          const carryOut = (): Promise<Moved> => {
            if (taken.length > 0 && !replace) throw inTheWay(taken, earlier?.keys ?? 0);
            return moveKeys({ from, to, keys: rest, replace, earlier, onMoved, work });
          };
          try {
            return await use({
              keys: keys.map(showKey),
              taken,
              done: earlier !== undefined && rest.length === 0,
              carryOut,
            });
          } finally {
            from.close();
          }
        } finally {
          await service.stop();
        }
      },
    );
  } finally {
    to.close();
  }
}

function nothing(pattern: string, database: number): BackupError {
  return new BackupError('not-found', `no key of database ${database} of the backup is meant by ${pattern}`, {
    remedy:
      'Another database is --database NUMBER. A pattern is one of Redis: * and ? are anything, [ab] one of them, a backslash takes the next character as it is.',
    facts: { pattern, database },
  });
}

/** @param restored by an attempt before. */
function inTheWay(taken: readonly string[], restored: number): BackupError {
  const named = `${taken.slice(0, 5).join(', ')}${taken.length > 5 ? ', …' : ''}`;
  return new BackupError(
    'conflict',
    `the server has ${taken.length} of them: ${named}. ${restored === 0 ? 'Nothing was changed.' : `${restored} others are restored.`}`,
    {
      remedy: 'Replace them with --replace, move them away (RENAME), or name others.',
      facts: { taken: taken.slice(0, 100) },
    },
  );
}

const WRITE = 'Write: "host=… port=… user=…", or "socket=… user=…"; the database is --database NUMBER.';

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536;
}

const KNOWN: ReadonlySet<string> = new Set(['host', 'port', 'socket', 'user']);

/**
 * The server that `--into` names; the source's own where it names none, and never as the user that backs up, who may write nothing.
 * @throws BackupError `usage`.
 */
export function keysServer(site: Site, source: string, { settings, password }: ExportTarget): Connection {
  const unknown = Object.keys(settings).find((name) => !KNOWN.has(name));
  if (unknown !== undefined)
    throw new BackupError('usage', `--into of Redis knows no "${unknown}".`, {
      remedy: WRITE,
    });
  const config = site.config.sources[source];
  const own = config?.type === 'redis' ? config.connection : undefined;
  const empty = Object.entries(settings).find(([, value]) => value === '');
  if (empty) throw new BackupError('usage', `--into says nothing behind ${empty[0]}=.`, { remedy: WRITE });
  const { host, port, socket, user } = settings;
  if (port !== undefined && !isPort(port))
    throw new BackupError('usage', `--into: "${port}" is no port.`, { remedy: WRITE });
  requireOwnServer(site, source, settings);
  const named = host !== undefined || socket !== undefined;
  if (!named && !own)
    throw new BackupError('usage', `The config has no server of "${source}", and --into names none.`, {
      remedy: 'Write it: --into "host=127.0.0.1 port=6379 user=default".',
    });
  return {
    host: host ?? own?.host ?? '127.0.0.1',
    port: Number(port ?? (named ? 6379 : own?.port)),
    socket: named ? socket : own?.socket,
    user,
    password,
    ca: own?.ca,
  };
}
