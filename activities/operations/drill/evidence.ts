/** What a drill proved of each backup: evidence at the place that it came from, as a restore test leaves it. */
import type { DrilledSource, DrillReport } from '../../../model/drill/drill.ts';
import { triedOf } from '../../../model/drill/place.ts';
import { BackupError } from '../../../model/errors.ts';
import { EVIDENCE_SCHEMA, type Check, type UnsignedEvidence } from '../../../model/evidence.ts';
import { parseReference } from '../../../model/reference.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { siteSigner } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { signEvidence, writeEvidence } from '../../storage/evidence-file.ts';
import type { Work } from '../../work.ts';
import { openPlaceNamed } from '../keys/places.ts';

export interface DrillEvidenceRequest {
  readonly site: Site;
  readonly report: DrillReport;
  readonly work: Work;
}

export interface DrillEvidence {
  readonly recorded: readonly { readonly source: string; readonly place: string; readonly key: string }[];
  /** Sources of which there is none, and why. */
  readonly unrecorded: readonly { readonly source: string; readonly why: string }[];
  /** Sources whose record a place did not take. */
  readonly refused: readonly { readonly source: string; readonly place: string; readonly error: BackupError }[];
}

/**
 * Records what was restored and looked at, at the place whose copy it was; what nobody asked anything, or nobody could, proves nothing. A red
 * probe speaks against the backup until a later check of it is green, and so does a copy that turned out damaged, at its place. The same drill
 * again writes the same records.
 * @throws BackupError `config` where this host has no signing key that counts.
 */
export async function recordDrillEvidence({ site, report, work }: DrillEvidenceRequest): Promise<DrillEvidence> {
  const signer = await siteSigner(site);
  const recorded: DrillEvidence['recorded'][number][] = [];
  const unrecorded: DrillEvidence['unrecorded'][number][] = [];
  const refused: DrillEvidence['refused'][number][] = [];
  for (const drilled of report.sources) {
    const { source } = drilled;
    const proof = evidenceOf(site, report, drilled);
    if (typeof proof === 'string') unrecorded.push({ source, why: proof });
    for (const unsigned of [...(typeof proof === 'string' ? [] : [proof]), ...damagedOf(site, report, drilled)]) {
      const place = unsigned.destination ?? REPOSITORY;
      const name = parseReference(unsigned.backup.reference);
      if (name === undefined) {
        unrecorded.push({ source, why: `${unsigned.backup.reference} is no reference of a backup` });
        continue;
      }
      try {
        const store = await openPlaceNamed(site, place);
        recorded.push({ source, place, key: await writeEvidence(store, name, signEvidence(unsigned, signer)) });
      } catch (error) {
        // A place that takes no record now keeps no other source from its own.
        if (work.signal.aborted || !(error instanceof BackupError)) throw error;
        work.log.warn({ source, destination: place, code: error.code }, 'evidence of the drill not recorded');
        refused.push({ source, place, error });
      }
    }
  }
  return { recorded, unrecorded, refused };
}

/** Why there is none, in words, where there is none. */
function evidenceOf(site: Site, report: DrillReport, drilled: DrilledSource): UnsignedEvidence | string {
  const { choice, restored, probes, outcome, errors } = drilled;
  if (choice === null) return 'no backup of it was chosen';
  if (restored === null) return 'it was not restored';
  if (!isOurs(site, report, restored.place)) return `it came from the repository of ${report.host}`;
  const dead = probes.find(({ own, ok }) => own === true && !ok);
  if (dead) return `it was restored, and does not work (${dead.name}): ${dead.detail}`;
  // That something answers proves nothing of what it holds.
  const asked = probes.filter(({ own }) => own !== true);
  if (asked.length === 0) return 'it was restored, and nothing was asked of it: it has no probes';
  const answered = asked.filter((one) => one.asked !== false);
  const [unasked] = asked;
  if (answered.length === 0) return `it was restored, and could not be asked: ${unasked?.detail}`;
  const checks = asked.map(({ name, asked: compared = true, ok, detail }): Check => ({
    name: `probe ${name}`,
    compared,
    ok,
    detail,
  }));
  const green = answered.every(({ ok }) => ok);
  if (green && outcome === 'failed') return `it failed: ${errors[0]?.message ?? 'see the report'}`;
  return {
    ...ofDrill(site, report, drilled),
    backup: choice.backup,
    // Where the copy lies that was restored: one that did not do there must not pass for proven.
    destination: restored.place,
    what: 'drill',
    checks: [...checks, { name: 'unread', compared: false, ok: true, detail: UNREAD }, checkOf(report)],
    measured: {
      restore: restored.milliseconds,
      check: probes.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      bytes: restored.bytes,
    },
    verdict: green ? 'ok' : 'failed',
  };
}

/**
 * Copies that a restore found damaged, whether another one did or not. Nothing was restored from them, so that each is a verification, which
 * counts at its place alone, until the next one there.
 */
function damagedOf(site: Site, report: DrillReport, drilled: DrilledSource): readonly UnsignedEvidence[] {
  const { choice } = drilled;
  if (choice === null) return [];
  const { passed, damaged } = triedOf(drilled);
  return damaged.flatMap((place): readonly UnsignedEvidence[] => {
    const destination = place === REPOSITORY ? null : place;
    if (!isOurs(site, report, destination)) return [];
    const why = passed.find((one) => one.startsWith(`${place}: `))?.slice(place.length + 2) ?? 'it is damaged';
    const checks = [{ name: 'restore', compared: true, ok: false, detail: why }, checkOf(report)];
    const what = 'verify' as const;
    return [{ ...ofDrill(site, report, drilled), backup: choice.backup, destination, what, checks, verdict: 'failed' }];
  });
}

/** Each host has a repository of its own, and the coordinator reaches none but this one's. */
function isOurs({ host }: Site, report: DrillReport, destination: string | null): boolean {
  return destination !== null || report.host === host;
}

function ofDrill(
  { config }: Site,
  report: DrillReport,
  { steps }: DrilledSource,
): Pick<UnsignedEvidence, 'schema' | 'site' | 'time'> {
  const ended = steps
    .flatMap((step) => step.ended ?? [])
    .toSorted()
    .at(-1);
  // Of the drill, and not of now: whoever records it again writes the same.
  const time = ended ?? report.ended ?? report.declared ?? new Date().toISOString();
  return { schema: EVIDENCE_SCHEMA, site: config.site, time };
}

function checkOf({ scenario, runId }: DrillReport): Check {
  return { name: 'drill', compared: false, ok: true, detail: `${scenario}, ${runId}` };
}

/** A restore needs neither inventory nor exports: a restore test reads them, and `verify` does. */
const UNREAD = 'artifacts that a restore does not need (the inventory, exports) were not read';
