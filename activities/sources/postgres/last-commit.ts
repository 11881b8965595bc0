/** When the last transaction ended that a recovery replayed, as the server says in its log. */
import { readFile } from 'node:fs/promises';
import type { Manifest } from '../../../model/manifest.ts';
import { noteLastCommit } from '../recovered-note.ts';
import { serverUser } from './server-user.ts';

/** `LOG:  last completed transaction was at log time 2026-11-27 08:10:22.201201+00` */
const LAST = /last completed transaction was at log time (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00$/m;

/** Notes it beside the data, or that nothing was replayed. @param log of the server that has recovered them. */
export async function noteRecovered(data: string, manifest: Manifest, log: string): Promise<void> {
  const [, day, time] = LAST.exec(await readFile(log, 'utf8')) ?? [];
  const lastCommit = day === undefined || time === undefined ? null : new Date(`${day}T${time}Z`).toISOString();
  await noteLastCommit(data, manifest, lastCommit, await serverUser());
}
