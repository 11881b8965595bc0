/**
 * The roles of a data folder as they lie in its files, for where nobody else tells them: a cluster that is not recovered
 * yet answers no queries, and `postgres --single` would end its recovery. What is read is what the backup held of
 * pg_authid; whoever was made or changed by the WAL behind it is not, or not yet, as it will be.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../storage/fs-errors.ts';

export interface RoleOnDisk {
  readonly oid: number;
  readonly name: string;
  readonly superuser: boolean;
  readonly login: boolean;
}

/** OID of pg_authid, which all databases share. */
const PG_AUTHID = 1260;

/** Of each role once, the lowest OID (who made the cluster) first; none where the files cannot be understood. */
export async function rolesOnDisk(data: string): Promise<readonly RoleOnDisk[]> {
  const folder = path.join(data, 'global');
  const file = fileNumber(await bytesOf(path.join(folder, 'pg_filenode.map')));
  if (file === undefined) return [];
  const roles = new Map<string, RoleOnDisk>();
  for (const page of pagesOf(await bytesOf(path.join(folder, String(file)))))
    for (const role of rolesIn(page)) roles.set(role.name, role);
  return [...roles.values()].toSorted((a, b) => a.oid - b.oid);
}

async function bytesOf(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** RELMAPPER_FILEMAGIC */
const MAP_MAGIC = 0x0059_2717;

/** RelMapFile: magic, count, then pairs of an OID and the number of its file. */
function fileNumber(map: Buffer): number | undefined {
  if (map.length < 8 || map.readInt32LE(0) !== MAP_MAGIC) return undefined;
  const end = Math.min(map.length - 7, 8 + 8 * map.readInt32LE(4));
  for (let at = 8; at < end; at += 8) if (map.readUInt32LE(at) === PG_AUTHID) return map.readUInt32LE(at + 4);
  return undefined;
}

const PAGE_HEADER = 24;

/** The size of a page stands in each of them, with the version of its layout in the last byte. */
function* pagesOf(heap: Buffer): Generator<Buffer> {
  const size = heap.length < PAGE_HEADER ? 0 : heap.readUInt16LE(18) & 0xff00;
  if (size === 0) return;
  for (let at = 0; at + size <= heap.length; at += size) yield heap.subarray(at, at + size);
}

/** ItemIdData: offset in 15 bits, state in 2 (1: a row is there), length in 15. */
function* rolesIn(page: Buffer): Generator<RoleOnDisk> {
  const end = Math.min(page.readUInt16LE(12), page.length - 3);
  for (let at = PAGE_HEADER; at < end; at += 4) {
    const item = page.readUInt32LE(at);
    const [offset, state, length] = [item & 0x7fff, (item >>> 15) & 3, item >>> 17];
    const role = state === 1 && offset + length <= page.length && roleIn(page.subarray(offset, offset + length));
    if (role) yield role;
  }
}

/** Bytes of a name. */
const NAME = 64;
/** HEAP_XMAX_INVALID, in t_infomask. */
const NOT_DELETED = 0x0800;

/** A row that was replaced says what the role was before. Columns are the same from version 12 on. */
function roleIn(tuple: Buffer): RoleOnDisk | undefined {
  if (tuple.length < 23) return undefined;
  const isCurrent = tuple.readUInt32LE(4) === 0 || (tuple.readUInt16LE(20) & NOT_DELETED) !== 0;
  const at = tuple.readUInt8(22);
  if (!isCurrent || tuple.length < at + 4 + NAME + 5) return undefined;
  const name = tuple.subarray(at + 4, at + 4 + NAME);
  const flags = tuple.subarray(at + 4 + NAME);
  return {
    oid: tuple.readUInt32LE(at),
    name: name.subarray(0, name.indexOf(0)).toString('utf8'),
    superuser: flags[0] === 1,
    // Between them: inherit, createrole, createdb.
    login: flags[4] === 1,
  };
}
