/** The Markdown of a rotation of keys, for Temporal's Web UI. */
import { unshownRecipients, type RotationReport } from '../model/rotation.ts';

/** What is wrong first, then place by place how far it is. */
export function rotationDetails({ outcome, paused, places, problems, proofs, spec }: RotationReport): string {
  const unshown = unshownRecipients(spec);
  return [
    outcome
      ? `**${outcome}**`
      : paused
        ? '**paused** (the signal `pauseRotation` with `false` lets it go on)'
        : '**running**',
    ...problems.map(
      ({ place, backup, message, remedy }) =>
        `\n**${place}**${backup === null ? '' : ` ${backup}`}: ${message}${remedy === null ? '' : `\n\nWhat to do: ${remedy}`}`,
    ),
    '',
    '| place | host | state | backups | written anew | checked | left |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...places.map(
      (at) =>
        `| ${at.place} | ${at.host} | ${WORDS[at.pass]} | ${at.backups} | ${at.rewritten} | ${at.checked} | ${at.left} |`,
    ),
    '',
    ...proofs.map(
      ({ source, recipient, ok, detail }) =>
        `\n${ok ? 'restored' : '**not restored**'}: ${source} with ${recipient} alone: ${detail}`,
    ),
    ...(unshown.length === 0
      ? []
      : [
          `\nTheir identity was not at hand, their wraps were opened from the side of who made them: ${unshown.join(', ')}`,
        ]),
    '\n\u00a0',
  ].join('\n');
}

const WORDS = {
  rewrite: 'wrapping anew',
  check: 'reading again',
  done: 'done',
  away: 'left to the next rotation',
} as const;
