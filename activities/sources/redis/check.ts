/**
 * The check of a restored data folder: the tools look at every byte, then a private start on it is compared with the
 * inventory. It happens in place, as the user's own server would start: afterwards the folder is that of a cleanly stopped
 * server with the same data.
 */
import path from 'node:path';
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { CONTENTS, type Check } from '../../../model/evidence.ts';
import type { Work } from '../../work.ts';
import { contentsChecks, type EarlierContents } from '../earlier-contents.ts';
import { whileServerWorks } from '../private-server/watch.ts';
import type { BackupReader, CheckContext } from '../types.ts';
import { CHECKS, failed, noneCompared, notCompared, passed } from './checks.ts';
import { compareDatabases, compareExpiring, compareFunctions, expectedOf, type Expected } from './compare.ts';
import { readInventory } from './inventory.ts';
import { lackOfMemory } from './memory.ts';
import { positionOf, type Position } from './position.ts';
import { engineOf, findPrograms, type Programs } from './programs.ts';
import { lackOfPrograms, startIsolated } from './private-start.ts';
import type { PrivateServer } from './server.ts';
import { rdbCounts, runTool, type RdbCounts, type Verdict } from './tools.ts';
import { debugging, digestValues } from './values.ts';
import { placeOf } from '../private-server/sandbox.ts';
import { startOrFail } from '../private-server/start-or-fail.ts';

/** What was looked at, and what not and why. Fails only when it was cancelled or this machine cannot do it. */
export async function check(context: CheckContext<RedisSource>): Promise<readonly Check[]> {
  const { chain, restored, scratch, sandbox, earlier, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a check without a backup');
  const engine = engineOf(backup.manifest);
  const programs = await findPrograms(engine, sandbox);
  if (!programs) {
    return noneCompared(CHECKS, `not started: ${lackOfPrograms(engine)}`);
  }
  const position = positionOf(backup.manifest);
  const { files, counts } = await lookAtFiles(restored, position, programs, work);
  if (!files.ok) return [files, ...noneCompared(CHECKS.slice(1), 'not started: its files are not whole')];
  const lack = await lackOfMemory(engine);
  if (lack !== undefined) return [files, ...noneCompared(CHECKS.slice(1), `not started: ${lack}`)];

  const inventory = await readInventory(backup);
  const started = Date.now();
  const server = await startOrFail(
    startIsolated({
      data: restored,
      programs,
      position,
      inventory,
      runtime: scratch,
      settings: earlier ? debugging(programs) : {},
      work,
    }),
  );
  if (server instanceof BackupError) {
    const rest = noneCompared(CHECKS.slice(2), 'not compared: the server did not start');
    if (engine.modules.length === 0) return [files, failed('start', server.message), ...rest];
    const lacking = `not started: it may need the modules ${engine.modules.join(', ')} (${server.message})`;
    return [files, ...noneCompared(['start'], lacking), ...rest];
  }
  try {
    const took = ((Date.now() - started) / 1000).toFixed(1);
    const how = position.appendonly ? 'the append-only files' : position.names.dbfilename;
    const expected = expectedOf(inventory);
    return [
      files,
      passed('start', `loaded ${how} in ${took} s${placeOf(sandbox)}`),
      ...compareAll(expected, server, counts),
      ...(earlier ? await compareValues(server, { backup, earlier }, programs, work) : []),
    ];
  } finally {
    await server.stop();
  }
}

/** No role that reads keys is asked for, and no two moments of a server that is written to are the same. */
const VALUES =
  'not compared with the source, key by key: the checksums of the dump and of the artifacts say that they are what was captured';

function compareAll(expected: Expected, { loaded }: PrivateServer, counts: RdbCounts | undefined): readonly Check[] {
  return [
    compareDatabases(expected, loaded),
    compareExpiring(expected, loaded, counts),
    compareFunctions(expected, loaded),
    notCompared('values', VALUES),
  ];
}

/** Two restores of the same backup are the same moment. */
async function compareValues(
  server: PrivateServer,
  { backup, earlier }: { readonly backup: BackupReader; readonly earlier: readonly EarlierContents[] },
  programs: Programs,
  work: Work,
): Promise<readonly Check[]> {
  const { pid, activity } = server;
  try {
    const found = await whileServerWorks({ pid, activity, phase: 'reading every value', work }, (watched) =>
      digestValues(server, programs, new Date(backup.manifest.scheduled), watched),
    );
    return contentsChecks(backup, found, earlier);
  } catch (error) {
    // A server that does not answer so says nothing of the values.
    if (!(error instanceof BackupError) || error.code !== 'refused') throw error;
    return [notCompared(CONTENTS, `not compared with earlier proofs: ${error.message}`)];
  }
}

interface Files {
  readonly files: Check;
  /** Of the dump, where there is one. */
  readonly counts: RdbCounts | undefined;
}

async function lookAtFiles(data: string, position: Position, programs: Programs, work: Work): Promise<Files> {
  const { dbfilename, appenddirname, appendfilename } = position.names;
  const seen: string[] = [];
  let counts: RdbCounts | undefined;
  if (position.method !== 'aof') {
    const verdict = await runTool(programs.checkRdb, [path.join(data, dbfilename)], work);
    if (!verdict.ok) return { files: notWhole(dbfilename, verdict), counts };
    counts = rdbCounts(verdict);
    seen.push(`${dbfilename} (${counts.keys} keys)`);
  }
  if (position.appendonly) {
    const manifest = path.join(data, appenddirname, `${appendfilename}.manifest`);
    const verdict = await runTool(programs.checkAof, [manifest], work);
    if (!verdict.ok) return { files: notWhole(`${appenddirname}/${appendfilename}.manifest`, verdict), counts };
    seen.push(`${appenddirname}/${appendfilename}.manifest and all that it names`);
  }
  return { files: passed('files', `whole: ${seen.join(', ')}`), counts };
}

function notWhole(name: string, { why }: Verdict): Check {
  return failed('files', `${name} is not whole: ${why}`);
}
