/** Findings as text: what is wrong, and below it what to do. */
import type { Finding } from '../../model/finding.ts';
import type { Output } from './output.ts';

const ORDER = { error: 0, warning: 1, info: 2 } as const;

export function findingsText(findings: readonly Finding[], out: Output): string {
  return findings
    .toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity])
    .map((finding) => findingText(finding, out))
    .join('\n');
}

function findingText({ severity, message, remedy }: Finding, out: Output): string {
  const marks = {
    error: out.style('red', 'problem'),
    warning: out.style('yellow', 'warning'),
    info: out.style('dim', 'note'),
  };
  const lines = [
    `${marks[severity]}  ${message}`,
    ...(remedy === null ? [] : remedy.split('\n').map((line) => `  → ${line}`)),
  ];
  return lines.join('\n');
}
