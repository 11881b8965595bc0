/** A rotation of keys in words. */
import { exitStatus } from '../../../model/errors.ts';
import {
  unshownRecipients,
  type RotationProblem,
  type RotationReport,
  type RotationSpec,
} from '../../../model/rotation.ts';
import { table } from '../output.ts';

export function planText(spec: RotationSpec): string {
  return [
    table(
      ['place', 'host'],
      spec.places.map(({ place, host }) => [place, host]),
    ),
    '',
    `to: ${spec.recipients.join(', ')}`,
    `restored with alone: ${spec.shown.join(', ')}`,
  ].join('\n');
}

/** Where it is, in a line. */
export function progressLine({ places, paused, proven, sources }: RotationReport): string {
  const at = places.find(({ pass }) => pass === 'rewrite') ?? places.find(({ pass }) => pass === 'check');
  if (paused) return 'paused: mosaic-backup keys rotate --resume lets it go on';
  if (!at)
    return sources.length === 0
      ? ''
      : `restoring with the new key alone: ${proven.length} of ${sources.length} sources`;
  return at.pass === 'rewrite'
    ? `${at.place} of ${at.host}: ${at.rewritten} of ${at.backups} so far wrapped anew`
    : `${at.place} of ${at.host}: ${at.checked} of ${at.backups} read again`;
}

export function reportText(report: RotationReport): string {
  const { places, problems, proofs, spec, outcome, paused } = report;
  const unshown = unshownRecipients(spec);
  return [
    table(
      ['place', 'host', 'backups', 'wrapped anew', 'checked', 'left'],
      places.map(({ place, host, backups, rewritten, checked, left, pass }) => [
        place,
        host,
        String(backups),
        String(rewritten),
        String(checked),
        pass === 'away' ? 'all of it' : String(left),
      ]),
      ['backups', 'wrapped anew', 'checked', 'left'],
    ),
    ...problems.flatMap(problemLines),
    ...proofs.map(({ source, recipient, ok, detail, backup, place }) =>
      ok
        ? `${source}: ${backup} at ${place} restored with ${recipient} alone`
        : `${source}: NOT restored with ${recipient} alone: ${detail}`,
    ),
    ...unshown.map(
      (recipient) =>
        `${recipient}: its identity was not at hand; each of its wraps was opened from the side of who made it`,
    ),
    outcome
      ? `rotation: ${outcome}${outcome === 'complete' ? '' : '; the same command again does only what is left'}`
      : paused
        ? 'paused'
        : 'running',
  ].join('\n');
}

export function rotationStatusCode({ outcome }: RotationReport): number {
  if (outcome === 'failed') return exitStatus('failed');
  return outcome === 'partial' ? exitStatus('partial') : 0;
}

function problemLines({ place, backup, message, remedy }: RotationProblem): readonly string[] {
  const told = `${backup === null ? place : `${backup} at ${place}`}: ${message}`;
  return remedy === null ? [told] : [told, `  → ${remedy}`];
}
