/** The timeline of a drill as pictures (SVG): a lane each source, so many lanes a picture that each prints on one page. Pure. */
import { onOneLine } from '../document/document.ts';
import { escaped } from '../document/html.ts';
import { formatDuration } from '../units.ts';
import type { Bar, BarKind, Lane, Timeline } from './timeline.ts';

const WIDTH = 1000;
/** Where the time begins and ends: names of lanes stand before, times after. */
const LEFT = 190;
const RIGHT = 900;
const LANE = 24;
const TOP = 44;
const MOST_LANES = 42;

const FILLS: Readonly<Record<BarKind, string>> = {
  fetch: '#a9c4de',
  restore: '#2f5f8f',
  start: '#e3a33b',
  probe: '#4c9a5b',
  wait: 'url(#waits)',
  other: '#9a9a9a',
};
const FAILED = '#c62828';

/** One picture each for so many lanes as fit on a page. */
export function timelinePictures(timeline: Timeline): readonly string[] {
  const [whole, ...sources] = timeline.lanes;
  const pictures: string[] = [];
  for (let at = 0; at === 0 || at < sources.length; at += MOST_LANES)
    pictures.push(picture(timeline, [...(whole ? [whole] : []), ...sources.slice(at, at + MOST_LANES)]));
  return pictures;
}

function picture(timeline: Timeline, lanes: readonly Lane[]): string {
  const bottom = TOP + lanes.length * LANE;
  const scale = scaleOf(timeline);
  return `<svg viewBox="0 0 ${WIDTH} ${bottom + 62}" role="img" font-family="sans-serif" font-size="13" xmlns="http://www.w3.org/2000/svg">
${HATCH}
${axis(scale, bottom)}
${lanes.map((lane, index) => drawnLane(lane, TOP + index * LANE, scale)).join('\n')}
${markers(timeline, scale, bottom)}
${legend(bottom + 46)}
</svg>`;
}

const HATCH = `<defs><pattern id="waits" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fff"/><rect width="2.5" height="6" fill="#555"/></pattern></defs>`;

interface Scale {
  /** Milliseconds at the right edge. */
  readonly end: number;
  readonly x: (milliseconds: number) => number;
}

/** An objective that is far away would press everything together: it is named at the edge then. */
function scaleOf({ end, green, objective }: Timeline): Scale {
  const last = Math.max(1000, end, green ?? 0);
  const whole = objective !== null && objective <= last * 1.6 ? Math.max(last, objective) * 1.02 : last * 1.02;
  return { end: whole, x: (milliseconds) => round(LEFT + (milliseconds / whole) * (RIGHT - LEFT)) };
}

function drawnLane({ source, failed, bars, green }: Lane, y: number, scale: Scale): string {
  const name = source ?? 'the whole';
  const told = green === null ? (failed ? 'failed' : '') : formatDuration(green);
  return [
    `<line x1="${LEFT}" y1="${y + LANE}" x2="${RIGHT}" y2="${y + LANE}" stroke="#ddd"/>`,
    label(LEFT - 8, y + 17, shortened(name), { anchor: 'end', fill: failed ? FAILED : '#000' }),
    ...bars.map((bar) => drawnBar(bar, y, scale)),
    ...(source === null ? [] : [label(RIGHT + 8, y + 17, told, { fill: failed ? FAILED : '#000' })]),
  ].join('\n');
}

function drawnBar({ id, kind, state, from, to, critical }: Bar, y: number, { x }: Scale): string {
  const [start, end] = [x(from), x(to)];
  const width = Math.max(1.5, round(end - start));
  const fill = state === 'failed' ? FAILED : FILLS[kind];
  const open =
    state === 'running' || state === 'waiting' ? ' fill-opacity="0.45" stroke="#000" stroke-dasharray="3 2"' : '';
  const mark = critical
    ? `<rect x="${start}" y="${y + 19}" width="${width}" height="3" fill="#000" class="critical"/>`
    : '';
  const title = `${id}: ${formatDuration(to - from)}${state === 'done' ? '' : `, ${state}`}`;
  return `<rect x="${start}" y="${y + 5}" width="${width}" height="13" fill="${fill}"${open}><title>${escaped(onOneLine(title))}</title></rect>${mark}`;
}

function axis({ end, x }: Scale, bottom: number): string {
  const step = stepOf(end);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
  return ticks
    .map(
      (tick) =>
        `<line x1="${x(tick)}" y1="${TOP}" x2="${x(tick)}" y2="${bottom + 4}" stroke="#ccc"/>${label(x(tick), bottom + 18, tick === 0 ? '0' : formatTick(tick), { anchor: 'middle', fill: '#444' })}`,
    )
    .join('\n');
}

/** Milliseconds between two ticks: at most eight of them. */
function stepOf(end: number): number {
  const [second, minute, hour] = [1000, 60_000, 3_600_000];
  const steps = [
    ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
    ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
    ...[1, 2, 4, 6, 12, 24].map((count) => count * hour),
  ];
  return steps.find((step) => end / step <= 8) ?? Math.ceil(end / 8 / (24 * hour)) * 24 * hour;
}

/** Whole units need no decimals. */
function formatTick(milliseconds: number): string {
  return milliseconds < 10_000 ? `${milliseconds / 1000}s` : formatDuration(milliseconds);
}

function markers({ green, objective }: Timeline, { end, x }: Scale, bottom: number): string {
  const lines = [marker({ at: LEFT, row: 0, text: 'declared', bottom, left: true })];
  if (green !== null)
    lines.push(
      marker({ at: x(green), row: 0, text: `all green after ${formatDuration(green)}`, bottom, colour: '#2e7d32' }),
    );
  if (objective !== null && objective <= end)
    lines.push(
      marker({
        at: x(objective),
        row: 1,
        text: `objective ${formatDuration(objective)}`,
        bottom,
        colour: FAILED,
        dash: true,
      }),
    );
  else if (objective !== null)
    lines.push(label(RIGHT - 30, rowY(1), `objective ${formatDuration(objective)} →`, { anchor: 'end', fill: FAILED }));
  return lines.join('\n');
}

interface Marker {
  readonly at: number;
  readonly row: 0 | 1;
  readonly text: string;
  readonly bottom: number;
  readonly colour?: string;
  readonly dash?: boolean;
  /** Its text stands behind it. */
  readonly left?: boolean;
}

function marker({ at, row, text, bottom, colour = '#000', dash = false, left = false }: Marker): string {
  const y = rowY(row);
  const behind = left || at < LEFT + 200;
  return `<line x1="${at}" y1="${y - 10}" x2="${at}" y2="${bottom + 4}" stroke="${colour}" stroke-width="2"${dash ? ' stroke-dasharray="6 4"' : ''}/>${label(behind ? at + 5 : at - 5, y, text, { anchor: behind ? 'start' : 'end', fill: colour, weight: 'bold' })}`;
}

function rowY(row: 0 | 1): number {
  return 14 + row * 18;
}

function legend(y: number): string {
  const entries: readonly (readonly [string, string])[] = [
    [FILLS.fetch, 'fetch'],
    [FILLS.restore, 'restore'],
    [FILLS.start, 'start'],
    [FILLS.probe, 'probe'],
    [FILLS.other, 'the whole'],
    [FILLS.wait, 'waits for somebody'],
    [FAILED, 'failed'],
  ];
  let x = LEFT;
  const drawn = entries.map(([fill, text]) => {
    const at = x;
    x += 30 + text.length * 7;
    return `<rect x="${at}" y="${y - 10}" width="14" height="11" fill="${fill}" stroke="#777" stroke-width="0.5"/>${label(at + 18, y, text)}`;
  });
  return `${drawn.join('')}<rect x="${x}" y="${y - 5}" width="20" height="3" fill="#000"/>${label(x + 25, y, 'critical path')}`;
}

interface LabelOptions {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly fill?: string;
  readonly weight?: 'bold';
}

function label(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', fill = '#000', weight }: LabelOptions = {},
): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${fill}"${weight ? ` font-weight="${weight}"` : ''}>${escaped(onOneLine(content))}</text>`;
}

/** Names that begin alike most often end differently. */
function shortened(name: string): string {
  return name.length <= 25 ? name : `${name.slice(0, 11)}…${name.slice(-13)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
