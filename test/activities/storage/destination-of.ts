/** A destination under test, made of what can travel to a child process as JSON. */
import { secretReader } from '../../../activities/config/secrets.ts';
import { makeDestination } from '../../../activities/storage/destinations.ts';
import type { Destination, DestinationContext } from '../../../activities/storage/types.ts';
import type { DestinationConfig } from '../../../model/config/destination.ts';

/** All that makes a destination but the reader of its secrets. */
export type PlaceContext = Omit<DestinationContext<DestinationConfig>, 'readSecret'>;

export function destinationOf(context: PlaceContext): Destination {
  return makeDestination({ ...context, readSecret: secretReader(process.env).readSecret });
}
