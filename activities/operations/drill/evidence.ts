/** What a drill proved of each backup: evidence at the place that it came from, as a restore test leaves it. */
import type { DrilledSource, DrillReport } from '../../../model/drill/drill.ts';
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
 * probe speaks against the backup until a later check of it is green. The same drill again writes the same records.
 * @throws BackupError `config` where this host has no signing key that counts.
 */
export async function recordDrillEvidence({ site, report, work }: DrillEvidenceRequest): Promise<DrillEvidence> {
  const signer = await siteSigner(site);
  const recorded: DrillEvidence['recorded'][number][] = [];
  const unrecorded: DrillEvidence['unrecorded'][number][] = [];
  const refused: DrillEvidence['refused'][number][] = [];
  for (const drilled of report.sources) {
    const { source } = drilled;
    const unsigned = evidenceOf(site, report, drilled);
    if (typeof unsigned === 'string') {
      unrecorded.push({ source, why: unsigned });
      continue;
    }
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
  return { recorded, unrecorded, refused };
}

/** Why there is none, in words, where there is none. */
function evidenceOf(site: Site, report: DrillReport, drilled: DrilledSource): UnsignedEvidence | string {
  const { choice, restored, probes, steps, outcome, errors } = drilled;
  if (choice === null) return 'no backup of it was chosen';
  if (restored === null) return 'it was not restored';
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
  const ended = steps
    .flatMap((step) => step.ended ?? [])
    .toSorted()
    .at(-1);
  return {
    schema: EVIDENCE_SCHEMA,
    site: site.config.site,
    backup: choice.backup,
    // Where the copy lies that was restored: one that did not do there must not pass for proven.
    destination: restored.place,
    what: 'drill',
    // Of the drill, and not of now: whoever records it again writes the same.
    time: ended ?? report.ended ?? report.declared ?? new Date().toISOString(),
    checks: [
      ...checks,
      { name: 'unread', compared: false, ok: true, detail: UNREAD },
      { name: 'drill', compared: false, ok: true, detail: `${report.scenario}, ${report.runId}` },
    ],
    measured: {
      restore: restored.milliseconds,
      check: probes.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
      bytes: restored.bytes,
    },
    verdict: green ? 'ok' : 'failed',
  };
}

/** A restore needs neither inventory nor exports: a restore test reads them, and `verify` does. */
const UNREAD = 'artifacts that a restore does not need (the inventory, exports) were not read';
