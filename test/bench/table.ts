/** Results as a person reads them. */
import { formatBytes } from '../../model/units.ts';
import { ratio, reached, type Result, type Series, type Unit } from './result.ts';
import { median } from './statistics.ts';

const HEAD = ['', 'median', 'min – max', 'runs', 'ours ÷ it', 'goal', '', 'stored', 'worker', 'programs'];

export function tableOf(result: Result): string {
  const { title, ours, peers, notes } = result;
  const rows = [HEAD, ...[ours, ...peers].map((series) => rowOf(result, series))];
  const used = HEAD.map((_, column) => rows.slice(1).some((row) => row[column] !== ''));
  const shown = rows.map((row) => row.filter((_, column) => used[column]));
  const widths = (shown[0] ?? []).map((_, column) => Math.max(...shown.map((row) => row[column]?.length ?? 0)));
  const lines = shown.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  '),
  );
  const settings = [ours, ...peers].map(({ name, settings }) => `  ${name}: ${settings}`);
  return [title, ...lines.map((line) => `  ${line.trimEnd()}`), ...settings, ...notes.map((note) => `  ${note}`)].join(
    '\n',
  );
}

function rowOf(result: Result, series: Series): readonly string[] {
  const { unit, ours } = result;
  const { name, runs, stored, worker, programs, goal } = series;
  const isPeer = series !== ours;
  const verdict = reached(result, series);
  return [
    name,
    quantity(median(runs), unit),
    `${quantity(Math.min(...runs), unit)} – ${quantity(Math.max(...runs), unit)}`,
    String(runs.length),
    isPeer ? ratio(ours, series).toFixed(2) : '',
    goal === null ? '' : `≤ ${isPeer ? goal.toFixed(2) : quantity(goal, unit)}`,
    verdict === null ? '' : verdict ? 'reached' : 'MISSED',
    bytes(stored),
    bytes(worker),
    bytes(programs),
  ];
}

function quantity(value: number, unit: Unit): string {
  return `${unit === 's' ? value.toFixed(2) : value.toFixed(0)} ${unit}`;
}

function bytes(value: number | null): string {
  return value === null ? '' : formatBytes(value);
}
