/** The scripts of `lua/`, which Redis runs one at a time, each as one transaction. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { command, type Asking } from '../../../../activities/sources/redis/client.ts';

/** The database of the ledger; those before it are the application's. */
export const LEDGER = 15;

const FOLDER = new URL('./lua/', import.meta.url);
const NAMES = ['image', 'base', 'open', 'transact', 'fold', 'keys', 'journal', 'fill'] as const;
type Name = (typeof NAMES)[number];

/** Read at once: an edit of a running checkout must not change what an image is. */
const SOURCES = new Map(NAMES.map((name) => [name, readFileSync(new URL(`${name}.lua`, FOLDER), 'utf8')]));
const COMMON = `local LEDGER = ${LEDGER}\n${SOURCES.get('image') ?? ''}\n${SOURCES.get('base') ?? ''}\n`;

/** Runs a script. @returns what it answers, as text. */
export function runScript(asking: Asking, name: Name, words: readonly (string | number)[] = []): Promise<string> {
  return command(asking, ['EVAL', `${COMMON}${SOURCES.get(name) ?? ''}`, '0', ...words.map(String)]);
}

/** A command of a transaction: the number of its database, and its words, of which the second is the key. */
export type Words = readonly [database: number, command: string, key: string, ...rest: (string | number)[]];

/** @returns the number of the transaction, once the server has confirmed it. */
export async function transact(asking: Asking, what: string, commands: readonly Words[]): Promise<number> {
  return Number(await runScript(asking, 'transact', [what, JSON.stringify(commands)]));
}

/** Digest of a value and time of expiry in milliseconds since the epoch, or -1; no digest: the key was not there. */
const image = z.tuple([z.union([z.string(), z.literal(false)]), z.number()]);
export type Image = z.output<typeof image>;

const change = z.object({ database: z.number(), key: z.string(), before: image, after: image });
export type Change = z.output<typeof change>;

const journal = z.object({
  head: z.number(),
  base: z.preprocess(
    // An empty table of Lua is an object.
    (value) => (Array.isArray(value) ? value : []),
    z.array(z.object({ database: z.number(), keys: z.number(), hash: z.string() })),
  ),
  entries: z
    .array(
      z.object({
        number: z.number(),
        at: z.number(),
        what: z.string(),
        changes: z.string().transform((text) => z.array(change).parse(JSON.parse(text))),
      }),
    )
    .default([]),
});
export type Journal = z.output<typeof journal>;

/** The journal from one number to another. */
export async function readJournal(asking: Asking, from: number | '-', to: number | '+'): Promise<Journal> {
  return journal.parse(JSON.parse(await runScript(asking, 'journal', [from, to])));
}

const page = z.object({
  cursor: z.string(),
  keys: z.preprocess(
    (value) => (Array.isArray(value) ? value : []),
    z.array(z.tuple([z.string(), z.string(), z.number(), z.string()])),
  ),
});

export interface Key {
  readonly database: number;
  readonly key: string;
  readonly image: Image;
  /** Of database, key and value together, as the base combines them. */
  readonly hash: string;
}

/** Every key of the application's databases. Only a server that nobody writes to shows one state. */
export async function readKeys(asking: Asking): Promise<readonly Key[]> {
  // SCAN may tell a key twice.
  const found = new Map<string, Key>();
  for (let database = 0; database < LEDGER; database += 1) {
    let cursor = '0';
    do {
      const { keys, ...next } = page.parse(JSON.parse(await runScript(asking, 'keys', [database, cursor])));
      for (const [key, digest, expires, hash] of keys)
        found.set(`${database} ${key}`, { database, key, image: [digest, expires], hash });
      cursor = next.cursor;
    } while (cursor !== '0');
  }
  return [...found.values()];
}
