/** From where a source of a drill came. Pure. */
import type { DrilledSource, TriedCopies } from './drill.ts';

/** The place that its restore took in the end; before that the one that was chosen. Null: the repository. Undefined: none was chosen. */
export function placeOf({ choice, restored }: Pick<DrilledSource, 'choice' | 'restored'>): string | null | undefined {
  return restored ? restored.place : choice?.place;
}

/** The same in words; empty where none was chosen. */
export function placeInWords(source: Pick<DrilledSource, 'choice' | 'restored'>): string {
  const place = placeOf(source);
  return place === undefined ? '' : (place ?? 'repository');
}

/** The copies of its backup that did not do, whether another one did or not. */
export function triedOf({ restored, tried }: Pick<DrilledSource, 'restored' | 'tried'>): TriedCopies {
  return restored ?? tried ?? { passed: [], damaged: [] };
}
