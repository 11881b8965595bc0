/** Paths that somebody may have meant. */
import { distance } from 'fastest-levenshtein';

/** Up to three: those with the same name elsewhere first, then the most alike. */
export function nearPaths(wanted: string, paths: Iterable<string>): readonly string[] {
  const name = nameOf(wanted);
  let best: (readonly [number, string])[] = [];
  for (const path of paths) {
    const score = nameOf(path) === name ? 0 : distance(wanted, path);
    if (best.length === 3 && score >= (best[2]?.[0] ?? 0)) continue;
    best = [...best, [score, path] as const].toSorted((a, b) => a[0] - b[0]).slice(0, 3);
  }
  return best.filter(([score]) => score <= Math.max(3, wanted.length / 2)).map(([, path]) => path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
