/** What a rotation is to do, read from the config, and whether it may begin. */
import { hostNames } from '../../../model/config/hosts.ts';
import { BackupError } from '../../../model/errors.ts';
import { REPOSITORY, type RotationInput, type RotationSpec } from '../../../model/rotation.ts';
import { identitiesAtHand } from '../../keys/at-hand.ts';
import type { Site } from '../../site.ts';
import { placeNames } from './places.ts';

/**
 * @throws BackupError `missing-identity` where nothing at hand could show that a new wrap opens: then nothing is begun;
 *   `not-found` for a place that there is not.
 */
export async function planRotation(site: Site, input: RotationInput): Promise<RotationSpec> {
  const { config } = site;
  if (input.site !== config.site) {
    throw new BackupError('config', `this worker serves the site "${config.site}", not "${input.site}"`, {
      remedy: `Look at "site" in ${site.file}.`,
    });
  }
  const { recipients } = config.encryption;
  const holders = await identitiesAtHand(site, input.identities);
  const shown = recipients.filter((recipient) => holders.some((holder) => holder.recipient === recipient));
  if (shown.length === 0) throw noneOfNow(site);
  const { retryFirst, retryMax, heartbeat, standstill } = config.plans.daily;
  return {
    ...input,
    recipients,
    shown,
    places: placesOf(site, input),
    waits: { retryFirst, retryMax, heartbeat, standstill },
  };
}

function placesOf(site: Site, { host, place }: RotationInput): RotationSpec['places'] {
  const names = placeNames(site);
  if (place !== undefined && !names.includes(place)) {
    throw new BackupError('not-found', `${site.file} has no place "${place}".`, {
      remedy: `Choose one of: ${names.join(', ')}.`,
      facts: { place, known: names },
    });
  }
  // This host's own repository first: copies then get the same bytes.
  const hosts = [host, ...hostNames(site.config).filter((name) => name !== host)];
  const places = [
    ...hosts.map((name) => ({ place: REPOSITORY, host: name })),
    ...names.filter((name) => name !== REPOSITORY).map((name) => ({ place: name, host })),
  ];
  return places.filter((each) => place === undefined || each.place === place);
}

function noneOfNow({ file, config }: Site): BackupError {
  return new BackupError(
    'missing-identity',
    `None of the identities at hand is of a recipient that ${file} names now: nothing could show that what is written opens. Nothing was changed.`,
    {
      remedy:
        'Name the identity file of one of the recipients of now with --identity FILE; it only has to be here while keys are rotated.',
      facts: { recipients: config.encryption.recipients },
    },
  );
}
