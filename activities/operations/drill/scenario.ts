/** What is left in each scenario, as the config that everything is recovered with. */
import type { Secret } from '../../../model/config/secret.ts';
import { recoveryConfig } from '../../../model/config/recovery-config.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import type { Scenario } from '../../../model/drill/drill.ts';
import { destinationsLeft, nothingLeft } from '../../../model/drill/left.ts';
import { BackupError } from '../../../model/errors.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';

/** Folders that stand for those that are gone: empty. */
export interface Gone {
  readonly repository: string;
  readonly state: string;
}

/**
 * The config of the recovery: what the kit has, less what the scenario takes.
 * @param disaster RFC 3339: what an attacker stored later is not looked at.
 * @throws BackupError `refused` where the scenario leaves nothing to recover from.
 */
export async function leftIn(scenario: Scenario, site: Site, gone: Gone, disaster: string): Promise<SiteInput> {
  const trusted = (await trustedKeys(site)).filter((key) => typeof key === 'string');
  const kit = recoveryConfig(site.config, [...new Set(trusted)]);
  const { identity } = site.config.encryption;
  const own = { ...kit, encryption: { ...kit.encryption, ...(identity && { identity }) } };
  // Nothing else happened: the host is as it was.
  if (scenario === 'operator-error') return own;
  const bare = { ...own, ...gone, hosts: withoutFolders(own.hosts) };
  const nothing = nothingLeft(site.config, scenario);
  if (nothing)
    throw new BackupError('refused', `There is nothing to recover from: ${nothing.why}.`, { remedy: nothing.remedy });
  const names = destinationsLeft(site.config, scenario);
  const destinations = Object.fromEntries(
    Object.entries(bare.destinations ?? {}).filter(([name]) => names.includes(name)),
  );
  const left = { ...bare, destinations };
  if (scenario === 'ransomware') return asBefore(left, disaster);
  if (scenario !== 'key-lost') return left;
  return { ...left, encryption: { ...left.encryption, identity: secondIdentity(site) } };
}

/** Not even what is signed by the host's own key, which an attacker has too, counts when it was stored after the attack. */
function asBefore(left: SiteInput, disaster: string): SiteInput {
  const destinations = Object.entries(left.destinations ?? {}).map(([name, destination]) => [
    name,
    destination.type === 's3' ? { ...destination, before: disaster, lockedOnly: true } : destination,
  ]);
  return { ...left, destinations: Object.fromEntries(destinations) };
}

/** Another one than is used every day, so that it is known to open everything by itself. */
function secondIdentity({ config, file }: Site): Secret {
  const { secondIdentity: second } = config.plans.drill;
  if (second) return second;
  throw new BackupError('missing-identity', `${file} does not say where the second identity is.`, {
    remedy:
      'Set plans.drill.secondIdentity, for example { file: /media/kit/identity.txt }; it is read by drills alone.',
  });
}

/** A host's own folders win over those of the site. */
function withoutFolders(hosts: SiteInput['hosts']): SiteInput['hosts'] {
  if (hosts === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(hosts).map(([name, { repository: _repository, state: _state, ...host }]) => [name, host]),
  );
}
