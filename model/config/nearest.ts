/** Suggestions for names that are not known. */
import { closest, distance } from 'fastest-levenshtein';

/** The known name nearest to what was written, when near enough to be meant. */
export function nearest(text: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const near = closest(text.toLowerCase(), [...known]);
  return distance(text.toLowerCase(), near.toLowerCase()) <=
    Math.max(near.length < 3 ? 1 : 2, Math.ceil(near.length / 3))
    ? near
    : undefined;
}
