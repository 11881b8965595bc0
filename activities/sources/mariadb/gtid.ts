/** GTID positions: the last transaction of each domain, as `0-1-42,1-7-9`. Pure. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';

/** As manifests hold a position; empty where nothing was committed yet. */
export const gtidPosition = z.string().regex(/^(?:\s*\d+-\d+-\d+\s*(?:,|$))*$/);

export interface Gtid {
  readonly domain: string;
  readonly server: string;
  readonly sequence: bigint;
}

/** @throws BackupError `usage` where a text is no GTID. */
export function parseGtid(text: string): Gtid {
  const [, domain, server, sequence] = /^(\d+)-(\d+)-(\d+)$/.exec(text) ?? [];
  if (domain !== undefined && server !== undefined && sequence !== undefined) {
    return { domain, server, sequence: BigInt(sequence) };
  }
  throw new BackupError('usage', `"${text}" is no GTID.`, {
    remedy: 'Write one as in 0-1-42: domain, server, number.',
  });
}

/** Sequence of the last transaction in a domain; zero where it has none. */
export function sequenceIn(position: string, domain: string): bigint {
  const found = listOf(position)
    .map(parseGtid)
    .find((gtid) => gtid.domain === domain);
  return found?.sequence ?? 0n;
}

/** Of several positions the furthest in each domain. */
export function furthest(positions: readonly string[]): string {
  const domains = new Map<string, string>();
  for (const text of positions.flatMap(listOf)) {
    const { domain, sequence } = parseGtid(text);
    const known = domains.get(domain);
    if (known === undefined || parseGtid(known).sequence < sequence) domains.set(domain, text);
  }
  return [...domains.values()].join(',');
}

/** Whether a position lies nowhere behind another, in each domain that the other knows. */
export function isUpTo(position: string, end: string): boolean {
  return listOf(end)
    .map(parseGtid)
    .every(({ domain, sequence }) => sequenceIn(position, domain) <= sequence);
}

/** The position right behind one, in each domain; or so many numbers further. */
export function behind(position: string, by = 1n): string {
  return listOf(position)
    .map(parseGtid)
    .map(({ domain, server, sequence }) => `${domain}-${server}-${sequence + by}`)
    .join(',');
}

/** Whether two positions are the same; the order of domains means nothing. */
export function sameGtids(a: string, b: string): boolean {
  const [left, right] = [a, b].map((list) => listOf(list).toSorted().join(','));
  return left === right;
}

function listOf(position: string): readonly string[] {
  return position
    .split(',')
    .map((gtid) => gtid.trim())
    .filter((gtid) => gtid !== '');
}
