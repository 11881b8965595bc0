/**
 * Digests of all values of a private server: by database, type and day of expiry one. The server itself makes that of a value (DEBUG
 * DIGEST-VALUE), by what is in it and not by how it is kept: DUMP gives the fields of a hash in another order after each load.
 */
import { createHash } from 'node:crypto';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import type { FoundContents } from '../earlier-contents.ts';
import { isAtLeast } from './facts.ts';
import type { Programs } from './programs.ts';
import type { PrivateServer } from './server.ts';
import { isError, openTalk, type Answer, type Talk } from './talk.ts';

const HASHES = 'hashes';
const STREAMS = 'streams';
/** Types whose digest has all that is in them; those of modules need not have any. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['string', 'strings'],
  ['list', 'lists'],
  ['set', 'sets'],
  ['zset', 'sorted sets'],
  ['hash', HASHES],
  ['stream', STREAMS],
]);
/** Keys that are asked for together. */
const PAGE = 500;
/** A scan in which the server's table of keys grows or shrinks meets some of them twice: it is made again. */
const SCANS = 3;
/** Keys with a TTL that are held at once, to know them again when a scan meets them twice. */
const MOST_EXPIRING = 1_000_000;
/** Milliseconds that one answer may take: the server works on values, however large. */
const PATIENCE = 3_600_000;
const DAY = 86_400_000;
/** The sum of no keys. */
const NOTHING = Buffer.alloc(32);

/** By which servers since 7.0 allow DEBUG to whoever comes by their socket. */
export function debugging({
  product,
  version,
}: Pick<Programs, 'product' | 'version'>): Readonly<Record<string, string>> {
  return product === 'valkey' || isAtLeast(version, '7.0') ? { 'enable-debug-command': 'local' } : {};
}

/** What they are digested by: another version may do it otherwise. */
export function wayOf({ product, version }: Pick<Programs, 'product' | 'version'>): string {
  return `redis values 2, by ${product} ${version.split('.').slice(0, 2).join('.')}`;
}

/**
 * Everything that a server holds and that stays the same until it is looked at again.
 * @param since when it was captured: what expired from then on may be on record.
 */
export async function digestValues(
  { connection, loaded }: Pick<PrivateServer, 'connection' | 'loaded'>,
  programs: Pick<Programs, 'product' | 'version'>,
  since: Date,
  work: Work,
): Promise<FoundContents> {
  const parts = new Map<string, string | null>();
  const aside: string[] = [];
  let partial = false;
  const knowsMore = isAtLeast(programs.version, '7.0');
  for (const { index, keys } of loaded.databases) {
    if (keys === 0) continue;
    const talk = await openTalk(connection, index, work.signal, PATIENCE);
    try {
      const found = await digestDatabase(talk, index, knowsMore, work);
      for (const [part, digest] of found.parts) parts.set(part, digest);
      aside.push(...found.aside);
      partial ||= found.partial;
    } finally {
      talk.close();
    }
  }
  if (knowsMore && loaded.libraries > 0) parts.set('functions', await functions(connection, work));
  const databases = Math.max(USUAL_DATABASES, ...loaded.databases.map(({ index }) => index + 1));
  const excused = () => expiredSince(since, databases);
  return { way: wayOf(programs), what: 'values by database and type', parts, partial, excused, aside };
}

/** As many as a server has without being told. */
const USUAL_DATABASES = 16;

/** What a group of keys is called. */
function groupOf(values: string, day?: number): string {
  return day === undefined ? values : `${values} that expire on ${new Date(day).toISOString().slice(0, 10)}`;
}

function partOf(index: number, group: string): string {
  return `database ${index}, ${group}`;
}

/** All parts that may have come to their end between the capture and now: names on record are sealed, so they are tried. */
function* expiredSince(since: Date, databases: number): Generator<string> {
  for (let day = Math.floor(Date.now() / DAY) * DAY; day >= since.getTime() - DAY; day -= DAY) {
    for (const values of TYPES.values()) {
      for (let index = 0; index < databases; index += 1) yield partOf(index, groupOf(values, day));
    }
  }
}

/** The code of all libraries, which come in whatever order; null where it is not told. */
async function functions(connection: PrivateServer['connection'], { signal }: Work): Promise<string | null> {
  const talk = await openTalk(connection, 0, signal);
  try {
    const [answer] = await talk.ask([['FUNCTION', 'LIST', 'WITHCODE']]);
    if (!Array.isArray(answer)) return null;
    const code = (answer as readonly Answer[]).flatMap((library) => {
      const fields = Array.isArray(library) ? (library as readonly Answer[]) : [];
      const at = fields.findIndex((field) => Buffer.isBuffer(field) && field.toString() === 'library_code');
      const found = fields[at + 1];
      return at >= 0 && Buffer.isBuffer(found) ? [found.toString('hex')] : [];
    });
    if (code.length < answer.length) return null;
    code.sort((one, two) => (one < two ? -1 : 1));
    return createHash('sha256').update(code.join(' ')).digest('hex');
  } finally {
    talk.close();
  }
}

interface Scan {
  /** Digests so far, by type, and day where they expire. */
  readonly groups: Map<string, Buffer>;
  /** Days of groups that do expire, in milliseconds since the epoch. */
  readonly days: Map<string, number>;
  lasting: number;
  readonly expiring: Set<string>;
  tooMany: boolean;
  readonly foreign: Map<string, number>;
}

async function digestDatabase(
  talk: Talk,
  index: number,
  knowsExpiry: boolean,
  work: Work,
): Promise<Pick<FoundContents, 'parts' | 'aside'> & { readonly partial: boolean }> {
  const of = `database ${index}`;
  const { lasting, lapsing } = await keyspace(talk, index);
  const scan = await scanned(talk, index, { lasting, knowsExpiry, work });
  if (!scan) return { parts: new Map(), partial: true, aside: [`${of}: its keys could not be counted`] };
  const now = Date.now();
  const parts = new Map<string, string | null>();
  const aside: string[] = [];
  // A type of which there is none is one that damage may bring: a key of another type is not one key more.
  for (const values of scan.lasting > 0 ? TYPES.values() : []) {
    parts.set(partOf(index, values), values === HASHES && lapsing > 0 ? null : NOTHING.toString('hex'));
  }
  let soon = 0;
  for (const [group, digest] of scan.groups) {
    const day = scan.days.get(group);
    // Of what expires today some may be gone already, and some at the next look.
    if (day !== undefined && (day <= now || scan.tooMany)) soon += 1;
    else if (!group.startsWith(HASHES) || lapsing === 0) parts.set(partOf(index, group), digest.toString('hex'));
  }
  if (soon > 0 || (scan.expiring.size > 0 && !knowsExpiry)) {
    const which = scan.tooMany || !knowsExpiry ? 'keys with a TTL' : 'keys that come to the end of their TTL today';
    aside.push(`${of}: ${which}`);
  }
  if (scan.groups.keys().some((group) => group.startsWith(STREAMS)))
    aside.push(`${of}: consumer groups and last ids of its streams`);
  if (lapsing > 0) aside.push(`${of}: hashes, since fields of ${lapsing} have a TTL of their own`);
  for (const [type, count] of scan.foreign) aside.push(`${of}: ${count} of the type ${type}`);
  return { parts, aside, partial: scan.tooMany || lapsing > 0 };
}

interface Scanning {
  readonly lasting: number;
  readonly knowsExpiry: boolean;
  readonly work: Work;
}

/** Each key once. Undefined where it cannot be had so: what was met twice would take itself away again. */
async function scanned(talk: Talk, index: number, { lasting, knowsExpiry, work }: Scanning): Promise<Scan | undefined> {
  for (let round = 0; round < SCANS; round += 1) {
    const scan = await scanOnce(talk, knowsExpiry, work);
    if (scan.lasting === lasting) return scan;
    work.log.warn({ database: index, keys: lasting, met: scan.lasting }, 'keys were met twice; they are read again');
  }
  return undefined;
}

async function scanOnce(talk: Talk, knowsExpiry: boolean, work: Work): Promise<Scan> {
  const scan: Scan = {
    groups: new Map(),
    days: new Map(),
    lasting: 0,
    expiring: new Set(),
    tooMany: false,
    foreign: new Map(),
  };
  let cursor = '0';
  do {
    work.signal.throwIfAborted();
    const [answer] = await talk.ask([['SCAN', cursor, 'COUNT', String(PAGE)]]);
    const [next, keys] = Array.isArray(answer) ? (answer as readonly Answer[]) : [];
    if (!Buffer.isBuffer(next) || !Array.isArray(keys)) throw strange('SCAN', answer);
    await addPage(
      talk,
      scan,
      (keys as readonly Answer[]).filter((key) => Buffer.isBuffer(key)),
      knowsExpiry,
    );
    cursor = next.toString();
  } while (cursor !== '0');
  return scan;
}

async function addPage(talk: Talk, scan: Scan, keys: readonly Buffer[], knowsExpiry: boolean): Promise<void> {
  const expiry = knowsExpiry ? 'PEXPIRETIME' : 'PTTL';
  if (keys.length === 0) return;
  const answers = await talk.ask([
    ['DEBUG', 'DIGEST-VALUE', ...keys],
    ...keys.flatMap((key) => [[expiry, key] as const, ['TYPE', key] as const]),
  ]);
  const [values, ...rest] = answers;
  const digests = Array.isArray(values) ? (values as readonly Answer[]) : [];
  for (const [at, key] of keys.entries()) {
    const [expires, type] = rest.slice(2 * at, 2 * at + 2);
    const digest = digests[at];
    if (typeof expires !== 'number') throw strange(expiry, expires);
    if (!Buffer.isBuffer(type)) throw strange('TYPE', type);
    if (!Buffer.isBuffer(digest)) throw strange('DEBUG DIGEST-VALUE', values);
    add(scan, { key, expires, type: type.toString(), digest }, knowsExpiry);
  }
}

interface Key {
  readonly key: Buffer;
  /** When, in milliseconds since the epoch; below 0 where it does not, or is gone. */
  readonly expires: number;
  readonly type: string;
  readonly digest: Buffer;
}

function add(scan: Scan, { key, expires, type, digest }: Key, knowsExpiry: boolean): void {
  // It came to the end of its TTL between two questions.
  if (expires === GONE || type === 'none') return;
  if (expires === NEVER) scan.lasting += 1;
  else {
    const name = key.toString('latin1');
    if (scan.expiring.has(name)) return;
    scan.tooMany ||= scan.expiring.size >= MOST_EXPIRING;
    if (scan.tooMany) return;
    scan.expiring.add(name);
    if (!knowsExpiry) return;
  }
  const values = TYPES.get(type);
  if (values === undefined) {
    scan.foreign.set(type, (scan.foreign.get(type) ?? 0) + 1);
    return;
  }
  const day = expires === NEVER ? undefined : Math.floor(expires / DAY) * DAY;
  const group = groupOf(values, day);
  if (day !== undefined) scan.days.set(group, day);
  const own = createHash('sha256').update(`${key.length} ${expires} ${type} `).update(key).update(digest).digest();
  const sum = scan.groups.get(group) ?? Buffer.from(NOTHING);
  // In whatever order they come.
  for (const [at, byte] of own.entries()) sum[at] = (sum[at] ?? 0) ^ byte;
  scan.groups.set(group, sum);
}

/** Of PEXPIRETIME and PTTL alike. */
const NEVER = -1;
const GONE = -2;

/** Keys without a TTL; and hashes of which single fields have one, as Redis 7.4 and Valkey 9 tell them. */
async function keyspace(talk: Talk, index: number): Promise<{ readonly lasting: number; readonly lapsing: number }> {
  const [answer] = await talk.ask([['INFO', 'keyspace']]);
  if (!Buffer.isBuffer(answer)) throw strange('INFO', answer);
  const line = answer
    .toString()
    .split('\r\n')
    .find((each) => each.startsWith(`db${index}:`));
  const number = (name: string): number => Number(new RegExp(`[:,]${name}=(\\d+)`).exec(line ?? '')?.[1] ?? 0);
  return {
    lasting: number('keys') - number('expires'),
    lapsing: number('subexpiry') + number('keys_with_volatile_items'),
  };
}

function strange(command: string, answer: Answer | undefined): BackupError {
  const why = isError(answer) ? answer.error : 'an answer of another form';
  return new BackupError('refused', `the private Redis server, ${command}: ${why}`);
}
