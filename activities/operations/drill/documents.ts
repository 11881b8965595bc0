/** The documents of drills: the runbook, each report, and their index, as files that an operator can commit. No secret is in them. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { markdownOf } from '../../../model/document/markdown.ts';
import { SCENARIOS, type DrillReport } from '../../../model/drill/drill.ts';
import { drillIndex, fileOf } from '../../../model/drill/index-document.ts';
import { drillMarkdown } from '../../../model/drill/markdown.ts';
import { drillPage } from '../../../model/drill/page.ts';
import { runbook } from '../../../model/drill/runbook.ts';
import type { Site } from '../../site.ts';
import { publish } from '../../storage/durable.ts';
import { ifThere, translated } from '../../storage/fs-errors.ts';
import { readDrills, type Drills } from './read.ts';
import { runbookFacts } from './runbook-facts.ts';

export interface WriteDocumentsRequest {
  readonly site: Site;
  /** A drill that may not be on record yet; absent: what is on record alone. */
  readonly report?: DrillReport;
}

export interface WrittenDocuments {
  readonly folder: string;
  /** Names below it of those that are others than before. */
  readonly changed: readonly string[];
  /** Drills that they lack, or may lack: records that count for nothing, and places that could not be looked at. */
  readonly problems: Drills['problems'];
}

export function documentsFolder({ config, state }: Pick<Site, 'config' | 'state'>): string {
  return config.plans.drill.documents ?? path.join(state, 'documents');
}

/**
 * Writes them all, each whole: the same drills and the same config give the same files, and what is as it was is not touched. Nothing else in
 * the folder is.
 * @throws BackupError `no-space`, `access-denied`: of the folder.
 */
export async function writeDocuments({ site, report }: WriteDocumentsRequest): Promise<WrittenDocuments> {
  const folder = documentsFolder(site);
  const { read: recorded, problems } = await readDrills(site);
  const fresh = report && !recorded.some(({ runId }) => runId === report.runId) ? [report] : [];
  const drills = [...fresh, ...recorded];
  const facts = await runbookFacts(site, { drills, problems });
  const files = new Map<string, string>();
  for (const scenario of SCENARIOS)
    files.set(scenario === 'host-lost' ? 'runbook.md' : `runbook-${scenario}.md`, markdownOf(runbook(facts, scenario)));
  files.set('drills/README.md', markdownOf(drillIndex(site.config.site, drills)));
  for (const drill of drills) {
    const name = `drills/${fileOf(drill)}`;
    files.set(`${name}.md`, drillMarkdown(drill, drills));
    files.set(`${name}.html`, drillPage(drill, drills));
    files.set(`${name}.json`, `${JSON.stringify(drill, undefined, 2)}\n`);
  }
  const changed: string[] = [];
  await translated(folder, 'writing the documents of drills', async () => {
    for (const each of [folder, path.join(folder, 'drills')]) await ready(each);
    for (const [name, text] of files) if (await writeDocument(path.join(folder, name), text)) changed.push(name);
  });
  return { folder, changed, problems };
}

/** Open to read: a web server or a git hook is another user. */
async function ready(folder: string): Promise<void> {
  if ((await ifThere(stat(folder))) === undefined) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
  }
  // What a killed one has left half-written.
  for (const name of await readdir(folder)) {
    if (!HALF.test(name)) continue;
    const half = await ifThere(stat(path.join(folder, name)));
    if (half && Date.now() - half.mtimeMs > 3_600_000) await rm(path.join(folder, name), { force: true });
  }
}

const HALF = /^\.mosaic-backup-[0-9a-f-]{36}$/;

/** False where it is as it was. */
export async function writeDocument(file: string, text: string): Promise<boolean> {
  const bytes = Buffer.from(text);
  const before = await ifThere(readFile(file));
  if (before?.equals(bytes)) return false;
  const temporary = path.join(path.dirname(file), `.mosaic-backup-${randomUUID()}`);
  try {
    await writeFile(temporary, bytes, { flag: 'wx', mode: 0o644, flush: true });
    // Whatever the mask of this process is.
    await chmod(temporary, 0o644);
    await publish(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  return true;
}
