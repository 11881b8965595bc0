/** The registry of destination types. */
import type { DestinationConfig } from '../../model/config/destination.ts';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { acceptsOf } from './accepts.ts';
import { directoryDestination } from './directory-destination.ts';
import { glacierDestination } from './glacier/index.ts';
import { rememberedOf } from './repository.ts';
import { rsyncDestination } from './rsync/index.ts';
import { s3Destination } from './s3/index.ts';
import type { Destination, DestinationContext } from './types.ts';

type ConfigOf<Type> = Extract<DestinationConfig, { readonly type: Type }>;

/** Every destination type, one line each. */
const TYPES: {
  readonly [Type in DestinationConfig['type']]: (context: DestinationContext<ConfigOf<Type>>) => Destination;
} = {
  directory: directoryDestination,
  glacier: glacierDestination,
  rsync: rsyncDestination,
  s3: s3Destination,
};

/** A destination from its config. */
export function makeDestination(context: DestinationContext<DestinationConfig>): Destination {
  // What the table gives for a type takes the config of that type, which the compiler cannot see from here.
  const make = TYPES[context.config.type] as (context: DestinationContext<DestinationConfig>) => Destination;
  return make(context);
}

/**
 * A destination of a site by its name.
 * @throws BackupError `not-found` when the config has none of that name.
 */
export function openDestination(name: string, site: Site): Destination {
  const config = site.config.destinations[name];
  if (config === undefined) {
    const known = Object.keys(site.config.destinations);
    throw new BackupError('not-found', `${site.file} has no destination "${name}".`, {
      remedy: known.length === 0 ? 'Add one under destinations.' : `Choose one of: ${known.join(', ')}.`,
      facts: { destination: name, known },
    });
  }
  const { state, readSecret } = site;
  const made = makeDestination({
    name,
    config,
    site: site.config.site,
    state,
    readSecret,
    accepts: acceptsOf(site),
    openOther: (other) => openDestination(other, site),
  });
  // What is remembered is of what is there now.
  if (config.type === 's3' && config.before !== undefined) return made;
  return { ...made, remembers: rememberedOf(state, `destination-${name}`) };
}
