/** Durations and sizes as people write them, parsed to milliseconds and bytes. */
import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;
const BYTES = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

/** Milliseconds of a duration such as `90s`, `10m`, `2h`, `7d`; undefined when it is none. */
function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * MILLISECONDS[match[2] as keyof typeof MILLISECONDS]);
}

/** Bytes of a size such as `512KiB`, `10 GB`; undefined when it is none. */
function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * BYTES[match[2] as keyof typeof BYTES]);
}

/** A duration in a config: milliseconds once parsed, and written back in its largest whole unit. */
export const duration = z.codec(
  z
    .string({ error: 'a duration has a unit\nWrite a number and ms, s, m, h or d, as in 10m.' })
    .regex(DURATION, 'not a duration\nWrite a number and ms, s, m, h or d, as in 10m.'),
  z.number(),
  { decode: (text) => parseDuration(text) ?? Number.NaN, encode: (milliseconds) => exact(milliseconds, MILLISECONDS) },
);

/** A size in a config: bytes once parsed, and written back in its largest whole unit. */
export const size = z.codec(
  z
    .string({ error: 'a size has a unit\nWrite a number and B, KiB, MiB, GiB, kB, MB or GB, as in 50MiB.' })
    .regex(SIZE, 'not a size\nWrite a number and B, KiB, MiB, GiB, kB, MB or GB, as in 50MiB.'),
  z.number(),
  { decode: (text) => parseSize(text) ?? Number.NaN, encode: (bytes) => exact(bytes, BYTES) },
);

/** `7200000` → `2h`: the largest unit that leaves a whole number, so that nothing is lost. */
function exact(value: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).filter(([, factor]) => value % factor === 0);
  const [unit, factor] = fitting.reduce((best, next) => (next[1] > best[1] ? next : best), ['', 0]);
  return value === 0 || factor === 0 ? `${value}${Object.keys(units)[0] ?? ''}` : `${value / factor}${unit}`;
}

/** `1536` → `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `93000` → `1m 33s`; below ten seconds with one decimal. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)}s`;
  const seconds = Math.round(milliseconds / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
