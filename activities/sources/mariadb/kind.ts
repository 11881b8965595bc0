/**
 * Whether the next backup can build on the newest one. An incremental holds the pages that changed since an LSN, and
 * LSNs are only numbers: of a server that was restored meanwhile, or is another one, they say nothing of the parent.
 * mariadb-backup asks for none of that (`--incremental-lsn` in the future: rc 0, "completed OK"), so it is asked here.
 */
import { z } from 'zod';
import type { MariadbSource } from '../../../model/config/source.ts';
import type { Manifest } from '../../../model/manifest.ts';
import type { Connection } from './connection.ts';
import { lineageOf } from './datadir.ts';
import { releaseOf, type Facts } from './facts.ts';
import { sameGtids } from './gtid.ts';
import { findLsnFolder } from './lsn-folder.ts';
import { physicalPosition, type PhysicalPosition } from './position.ts';
import { literal, rows, type SessionOptions } from './session.ts';

export type Decision =
  | {
      readonly kind: 'full';
      /** Why a full that was not due is made; null when it was. */
      readonly unexpected: string | null;
    }
  | { readonly kind: 'incremental'; readonly parent: PhysicalPosition };

export interface Deciding {
  readonly config: MariadbSource;
  readonly state: string;
  /** Full first. */
  readonly chain: readonly Manifest[];
  readonly facts: Facts;
  readonly connection: Connection;
  readonly options: SessionOptions;
}

const engine = z.looseObject({ version: z.string() });

/** Decides by the newest chain, by what state holds, and by what the server is now. */
export async function decideKind(deciding: Deciding): Promise<Decision> {
  const { config, chain } = deciding;
  const newest = chain.at(-1);
  if (config.method === 'logical' || !newest || chain.length - 1 >= config.incrementals) return full(null);
  const parent = physicalPosition.safeParse(newest.position).data;
  if (!parent) return full(`${newest.id} is a logical dump, and nothing builds on one`);
  const reason =
    otherRelease(newest, deciding.facts) ??
    (await otherState(deciding, parent)) ??
    (await otherServer(deciding, parent));
  return reason === undefined ? { kind: 'incremental', parent } : full(reason);
}

function full(unexpected: string | null): Decision {
  return { kind: 'full', unexpected };
}

function otherRelease(newest: Manifest, facts: Facts): string | undefined {
  const before = engine.safeParse(newest.engine).data?.version ?? '';
  if (releaseOf(before) === releaseOf(facts.version)) return undefined;
  return `the server was ${releaseOf(before)} at the last backup, and is ${releaseOf(facts.version)} now`;
}

async function otherState({ state }: Deciding, parent: PhysicalPosition): Promise<string | undefined> {
  const kept = await findLsnFolder(state, parent.lsnFolder);
  if (!kept) return `the LSN folder of the last backup is not in ${state} any more`;
  if (kept.toLsn === parent.toLsn) return undefined;
  return `the LSN folder in ${state} says ${kept.toLsn}, and the last backup ended at ${parent.toLsn}`;
}

async function otherServer(deciding: Deciding, parent: PhysicalPosition): Promise<string | undefined> {
  const { facts } = deciding;
  if (BigInt(facts.lsn) < BigInt(parent.lastLsn)) {
    return `the server is at LSN ${facts.lsn}, before ${parent.lastLsn} of the last backup: its data are others, or older ones`;
  }
  if ((await lineageOf(facts)) !== parent.lineage) return 'the data folder is another one than at the last backup';
  return otherHistory(deciding, parent);
}

const found = z.object({ gtid: z.string().nullable() });

/**
 * Data folders that were rolled back (a snapshot of the disk, of the whole machine) keep inode and birth, and come to
 * any LSN again. Their binary log does not come to the same GTID at the same place.
 */
async function otherHistory(
  { connection, options }: Deciding,
  { binlogFile, binlogPosition, gtid }: PhysicalPosition,
): Promise<string | undefined> {
  if (binlogFile === null || binlogPosition === null || gtid === null) return undefined;
  const [row] = await rows(
    connection,
    found,
    `SELECT JSON_OBJECT('gtid', BINLOG_GTID_POS(${literal(binlogFile)}, ${binlogPosition}))`,
    options,
  );
  if (row && row.gtid !== null && sameGtids(row.gtid, gtid)) return undefined;
  return `the binary logs do not have ${gtid || 'their beginning'} at ${binlogFile}:${binlogPosition}, where the last backup was: they are others, or gone`;
}
