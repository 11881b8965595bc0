/** What a recovery to a point in time needs: which backup, which logs. Read from the manifests alone. */
import { BackupError } from '../../model/errors.ts';
import { orderOf } from '../../model/manifest.ts';
import { formatReference } from '../../model/reference.ts';
import { describeTarget, type RestoreTarget } from '../../model/target.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { selectorOf } from '../sources/index.ts';
import { chainOf, type Catalogued } from '../storage/catalogue.ts';
import { manifestVerdict } from '../storage/manifest-file.ts';

export interface RecoveryRequest {
  /** Everything at the place that is restored from. */
  readonly catalogue: readonly Catalogued[];
  readonly source: string;
  readonly target: RestoreTarget;
  /** Only from this backup; otherwise the newest that reaches the target. */
  readonly from?: Catalogued;
}

export interface RecoveryPlan {
  /** Full first. */
  readonly chain: readonly Catalogued[];
  /** In the order of their positions. */
  readonly logs: readonly Catalogued[];
  readonly target: RestoreTarget;
  /** The newest backup that is newer than the one chosen and leads to no such target, and why; null where there is none. */
  readonly passed: { readonly backup: Catalogued; readonly why: string } | null;
}

/**
 * Plans the recovery with the least to replay.
 * @throws BackupError `not-found` without any backup, `refused` when no backup reaches the target, with what is missing
 *   and the nearest times that can be reached.
 */
export function planRecovery({ catalogue, source, target, from }: RecoveryRequest): RecoveryPlan {
  const own = catalogue.filter(({ manifest }) => manifest.source === source);
  const logs = own.filter(({ manifest }) => manifest.kind === 'logs');
  const bases = own
    .filter((entry) => entry.manifest.kind !== 'logs' && (from === undefined || entry === from))
    .toSorted((a, b) => orderOf(b.manifest) - orderOf(a.manifest));
  const [newest] = bases;
  if (!newest) {
    throw new BackupError('not-found', `There is no backup of "${source}" here to recover from.`, {
      remedy: 'See `mosaic-backup list` for what there is.',
      facts: { source },
    });
  }
  if (!selectorOf(newest.manifest.type)) {
    throw new BackupError(
      'usage',
      `A backup of type ${newest.manifest.type} is one moment: there is nothing to recover to.`,
      {
        remedy: 'Restore one of its backups: `mosaic-backup list`.',
      },
    );
  }
  const manifests = logs.map(({ manifest }) => manifest);
  const failures: Failure[] = [];
  for (const base of bases) {
    // A source may have been of another type before, under the same name.
    const select = selectorOf(base.manifest.type);
    const chain = select && wholeChain(own, base, failures);
    if (!chain) continue;
    const selection = select(base.manifest, manifests, target);
    if (selection.reached) {
      const chosen = new Set(selection.logs);
      const byManifest = new Map(logs.map((entry) => [entry.manifest, entry]));
      const entries = [...chosen].map((manifest) => byManifest.get(manifest)).filter((entry) => entry !== undefined);
      const [newer] = failures;
      return { chain, logs: entries, target, passed: newer ? { backup: newer.base, why: newer.why } : null };
    }
    failures.push({ base, ...selection });
  }
  throw unreachable(target, failures);
}

/**
 * `planRecovery` of one backup: what somebody else has put there neither leads anywhere nor hides what does.
 * @param trusted where there are none, nobody is a stranger: whoever opens a backup is told.
 */
export function planOwn(
  request: RecoveryRequest & { readonly from: Catalogued },
  trusted: readonly TrustedKey[],
): RecoveryPlan {
  const isStrange = (backup: Catalogued): boolean =>
    trusted.length > 0 && backup !== request.from && manifestVerdict(backup.manifest, trusted) !== 'good';
  try {
    const plan = planRecovery(request);
    if (![...plan.chain, ...plan.logs].some(isStrange)) return plan;
  } catch (error) {
    if (!(error instanceof BackupError) || trusted.length === 0) throw error;
  }
  return planRecovery({ ...request, catalogue: request.catalogue.filter((backup) => !isStrange(backup)) });
}

interface Failure {
  readonly base: Catalogued;
  readonly why: string;
  readonly from?: string;
  readonly until?: string | null;
}

function wholeChain(
  own: readonly Catalogued[],
  base: Catalogued,
  failures: Failure[],
): readonly Catalogued[] | undefined {
  try {
    return chainOf(own, base);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    failures.push({ base, why: error.message });
    return undefined;
  }
}

/** Backups that a message names; the facts have all. */
const NAMED = 3;

function unreachable(target: RestoreTarget, failures: readonly Failure[]): BackupError {
  const why = failures.map(({ base, why: reason }) => `${formatReference(base.name)}: ${reason.replace(/\.$/, '')}`);
  const windows = failures.flatMap(({ base, from, until }) =>
    from === undefined ? [] : [{ backup: formatReference(base.name), from, until: until ?? null }],
  );
  const known = windows.filter(({ until }) => until !== null);
  const nearest = nearestOf(target, known).map(({ from, until }) => `${from} to ${until ?? from}`);
  return new BackupError(
    'refused',
    `${describeTarget(target)} cannot be reached: ${why.slice(0, NAMED).join('; ')}. Nothing was changed.`,
    {
      remedy:
        nearest.length > 0
          ? `These times can be reached: ${nearest.join(', ')}.${isBehind(target, known) ? ' The end of the logs is --at end.' : ''}`
          : 'No time between backups can be reached; restore a backup itself (`mosaic-backup list`).',
      facts: {
        target: describeTarget(target),
        reasons: why,
        windows: windows.map(({ backup, from, until }) => `${backup}: ${from} to ${until ?? 'its own end'}`),
      },
    },
  );
}

/** Whether a time is one that no logs reach yet. */
function isBehind(target: RestoreTarget, windows: readonly Window[]): boolean {
  if (target.kind !== 'time') return false;
  const time = Date.parse(target.time);
  return windows.every(({ from, until }) => Date.parse(until ?? from) < time);
}

interface Window {
  readonly from: string;
  readonly until: string | null;
}

/** The windows next to a time, the nearest first; the newest ones where the target is no time. */
function nearestOf<Each extends Window>(target: RestoreTarget, windows: readonly Each[]): readonly Each[] {
  const time = target.kind === 'time' ? Date.parse(target.time) : Number.POSITIVE_INFINITY;
  const distance = ({ from, until }: Window): number =>
    Math.min(Math.abs(Date.parse(from) - time), Math.abs(Date.parse(until ?? from) - time));
  const sorted = windows.toSorted((a, b) =>
    Number.isFinite(time) ? distance(a) - distance(b) : b.from.localeCompare(a.from),
  );
  return sorted.slice(0, 2);
}
