/** What status and doctor say of restores in place: one that is unfinished, data that are kept beside those that are served, since when backups count. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readJournal, unfinishedRemedy } from '../../activities/operations/in-place/journal.ts';
import { lastRestored, restoresInPlace, stillThere } from '../../activities/operations/in-place/record.ts';
import type { Site } from '../../activities/site.ts';
import { hostOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';

/** RFC 3339: backups that began earlier are of the data before the last restore in place. Null: there was none that this host knows of. */
export async function restoredSince(site: Site, source: string): Promise<string | null> {
  return lastRestored({ site, source });
}

/** Of the sources of this host: their journals are in its state. */
export async function inPlaceFindings(site: Site): Promise<readonly Finding[]> {
  const own = Object.keys(site.config.sources).filter((source) => hostOf(site.config, source) === site.host);
  return (await Promise.all(own.map((source) => findingsOf(site, source)))).flat();
}

async function findingsOf(site: Site, source: string): Promise<readonly Finding[]> {
  const restores = await restoresInPlace({ site, source });
  const kept = await Promise.all(restores.map((each) => stillThere(each)));
  const old = kept.flat().map<Finding>((folder) => ({
    code: 'in-place.old-data',
    severity: 'info',
    message: `${source}: data of before a restore in place are kept in ${folder}`,
    remedy: `When you are sure that nobody needs them: rm -r ${folder}`,
    subject: source,
  }));
  const failed = (await failedBeside(site, source)).map<Finding>((folder) => ({
    code: 'in-place.failed-data',
    severity: 'info',
    message: `${source}: what a restore in place had restored that was taken back is kept in ${folder}`,
    remedy: `When nobody needs to see why: rm -r ${folder}`,
    subject: source,
  }));
  return [...(await unfinished(site, source)), ...old, ...failed];
}

/** On no record: it may be the record that could not be written. Whoever may not look there is told all else. */
async function failedBeside({ config }: Site, source: string): Promise<readonly string[]> {
  const own = config.sources[source];
  if (own === undefined || !('inPlace' in own) || own.inPlace === undefined) return [];
  const { data } = own.inPlace;
  const above = path.dirname(data);
  const names = await readdir(above).catch((): readonly string[] => []);
  return names
    .filter((name) => name.startsWith(`${path.basename(data)}.failed-`))
    .toSorted()
    .map((name) => path.join(above, name));
}

async function unfinished(site: Site, source: string): Promise<readonly Finding[]> {
  const finding = { code: 'in-place.unfinished', severity: 'error', subject: source } as const;
  try {
    const journal = await readJournal({ site, source });
    if (!journal) return [];
    const where = journal.back === null ? `at "${journal.step}"` : 'going back';
    const message = `${source}: a restore in place of ${journal.began} is not finished (${where}); no backups are made of it meanwhile`;
    return [{ ...finding, message, remedy: unfinishedRemedy(source) }];
  } catch (error) {
    // A damaged journal must not hide all the rest.
    if (!(error instanceof BackupError)) throw error;
    return [{ ...finding, message: error.message, remedy: error.remedy ?? null }];
  }
}
