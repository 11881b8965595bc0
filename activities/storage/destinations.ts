/** The registry of destination types. */
import type { DestinationConfig } from '../../model/config/destination.ts';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { directoryDestination } from './directory-destination.ts';
import { rememberedOf } from './repository.ts';
import type { Destination, DestinationContext } from './types.ts';

type ConfigOf<Type> = Extract<DestinationConfig, { readonly type: Type }>;

/** Every destination type, one line each. */
const TYPES: {
  readonly [Type in DestinationConfig['type']]: (context: DestinationContext<ConfigOf<Type>>) => Destination;
} = {
  directory: directoryDestination,
};

/** A destination from its config. */
export function makeDestination(context: DestinationContext<DestinationConfig>): Destination {
  return TYPES[context.config.type](context);
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
  const made = makeDestination({
    name,
    config,
    site: site.config.site,
    state: site.state,
    readSecret: site.readSecret,
  });
  return { ...made, remembers: rememberedOf(site.state, `destination-${name}`) };
}
