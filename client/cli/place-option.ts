/** Options that name a place: a destination, or the repository by its word. */
import { REPOSITORY } from '../backups/places.ts';

/** Null for the repository, undefined when the option was not given. */
export function placeOption(name: string | undefined): string | null | undefined {
  return name === REPOSITORY ? null : name;
}
