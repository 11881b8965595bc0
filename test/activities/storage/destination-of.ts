/** A destination under test, made of what can travel to a child process as JSON. */
import { secretReader } from '../../../activities/config/secrets.ts';
import { makeDestination } from '../../../activities/storage/destinations.ts';
import type { Destination, DestinationContext } from '../../../activities/storage/types.ts';
import type { DestinationConfig } from '../../../model/config/destination.ts';

/** All that makes a destination but the reader of its secrets. */
export type PlaceContext = Omit<DestinationContext<DestinationConfig>, 'readSecret' | 'openOther'> & {
  /** Other destinations of its site, by their names. */
  readonly others?: Readonly<Record<string, PlaceContext>>;
};

export function destinationOf(context: PlaceContext): Destination {
  const { readSecret } = secretReader(process.env);
  return makeDestination({
    ...context,
    readSecret,
    openOther(name) {
      const other = context.others?.[name];
      if (other === undefined) throw new Error(`the test has no destination "${name}"`);
      return destinationOf(other);
    },
  });
}
