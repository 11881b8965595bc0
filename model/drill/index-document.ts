/** The list of all drills, the newest first. Pure. */
import { table, text, type Document, type Line } from '../document/document.ts';
import { formatDuration } from '../units.ts';
import { wholeSeconds } from '../time.ts';
import type { DrillReport } from './drill.ts';
import { missedBy } from './objectives.ts';

/** @param drills the newest first. */
export function drillIndex(site: string, drills: readonly DrillReport[]): Document {
  const rows = drills.map((one): readonly Line[] => [
    one.declared === null ? '' : wholeSeconds(Date.parse(one.declared)),
    one.scenario,
    one.outcome ?? 'running',
    time(one.rto, one.objectives.rto),
    time(one.rpo, one.objectives.rpo),
    missedInShort(one),
    { code: `${fileOf(one)}.md` },
  ]);
  const blocks = table(['declared', 'scenario', 'outcome', 'RTO', 'RPO', 'missed', 'report'], rows, ['RTO', 'RPO']);
  return { title: `Drills of the site ${site}`, blocks: blocks.length > 0 ? blocks : [text('There was none yet.')] };
}

/** The name of the files of a drill, without their endings. */
export function fileOf({ runId }: Pick<DrillReport, 'runId'>): string {
  return runId.replaceAll(/[^A-Za-z0-9._-]/g, '');
}

/** `rto of the whole, rpo of wiki`; empty where nothing was. */
export function missedInShort(report: DrillReport): string {
  return missedBy(report)
    .map(({ of, objective }) => `${objective.toUpperCase()} of ${of ?? 'the whole'}`)
    .join(', ');
}

function time(milliseconds: number | null, objective: number | null): string {
  const was = milliseconds === null ? 'none' : formatDuration(milliseconds);
  return objective === null ? was : `${was} of ${formatDuration(objective)}`;
}
