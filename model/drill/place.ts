/** From where a drill recovered a source. Pure. */
import type { DrilledSource } from './drill.ts';

/** The place whose copy did; before it is restored, that which is asked first. Null is the repository; undefined where nothing was chosen. */
export function placeOf({ choice, restored }: Pick<DrilledSource, 'choice' | 'restored'>): string | null | undefined {
  return restored === null ? choice?.place : restored.place;
}
