/** What one field alone cannot say: rules across a config. */
import { checkAfter } from './check-after.ts';
import { checkFolders } from './check-folders.ts';
import { checkHosts } from './check-hosts.ts';
import { checkNames } from './check-names.ts';
import { checkPlans } from './check-plans.ts';
import { checkProof } from './check-proof.ts';
import { checkProbes } from './check-probes.ts';
import { checkRemotes } from './check-remotes.ts';
import { checkThaws } from './check-thaws.ts';
import { checkVaults } from './check-vaults.ts';
import { checkTemporal } from './temporal.ts';
import type { Draft } from './draft.ts';
import type { ConfigProblem } from './problem.ts';

export function checkSite(site: Draft): readonly ConfigProblem[] {
  return [
    ...checkNames(site),
    ...checkHosts(site),
    ...checkRecipients(site),
    ...checkSources(site),
    ...checkAfter(site),
    ...checkProbes(site),
    ...checkFolders(site),
    ...checkRemotes(site),
    ...checkVaults(site),
    ...checkPlans(site),
    ...checkProof(site),
    ...checkTemporal(site),
    ...checkThaws(site),
  ];
}

/** Two entries that are one key protect as little as one. */
function checkRecipients({ encryption }: Draft): readonly ConfigProblem[] {
  const recipients = encryption.recipients ?? [];
  return recipients.flatMap((recipient, index) =>
    recipients.indexOf(recipient) === index
      ? []
      : [
          {
            path: ['encryption', 'recipients', index],
            at: 'value',
            message: `the same recipient as encryption.recipients[${recipients.indexOf(recipient)}]`,
            remedy:
              'List at least two different recipients, kept in different places, so that one lost key loses nothing.',
          } satisfies ConfigProblem,
        ],
  );
}

function checkSources({ sources, hasSources }: Draft): readonly ConfigProblem[] {
  if (!hasSources || Object.keys(sources).length > 0) return [];
  return [
    { path: ['sources'], at: 'value', message: 'no sources: nothing would be backed up', remedy: 'Name at least one.' },
  ];
}
