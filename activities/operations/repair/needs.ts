/** What of a backup at a place has to be put right, and which other place has it, from the checks of both. Pure. */
import type { Check } from '../../../model/evidence.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { KEY_FILE, MANIFEST } from '../../../model/paths.ts';
import type { Examined, Repair } from './types.ts';

/** Checks that say whether a manifest is the one that is wanted. */
const OF_MANIFEST = ['manifest', 'folder', 'signature'] as const;

/** Empty where everything is right. Artifacts first, the manifest with its key last. */
export function repairsNeeded(checks: readonly Check[], { artifacts }: Manifest): readonly Repair[] {
  const manifest = wrongOf(checks, OF_MANIFEST);
  const names = artifacts.map(({ name }) => name);
  const bad = names.flatMap((object): Repair[] => {
    // Behind a manifest that is another one nothing is known of them; what is right is left by the put itself.
    const wrong = manifest === undefined ? wrongOf(checks, [object]) : `not known: ${manifest}`;
    return wrong === undefined ? [] : [{ object, kind: 'artifact', wrong }];
  });
  // A key that does not fit an artifact that is damaged may be right.
  const key = wrongOf(checks, [KEY_FILE]) ?? (bad.length === 0 ? wrongOf(checks, ['key']) : undefined);
  const record = manifest ?? key;
  return record === undefined ? bad : [...bad, { object: MANIFEST, kind: 'record', wrong: record }];
}

/** Whether a place holds a good one of what is to be put right elsewhere. */
export function hasGood({ checks }: Examined, { object, kind }: Repair): boolean {
  if (!OF_MANIFEST.every((name) => isGood(checks, name))) return false;
  if (kind === 'artifact') return isGood(checks, object);
  return isGood(checks, KEY_FILE) && wrongOf(checks, ['key']) === undefined;
}

/** What repair does not mend: objects that no manifest names, parents that are missing. */
export function otherFaults(checks: readonly Check[]): readonly string[] {
  const found = checks.filter(
    ({ name, compared, ok }) => (name === 'nothing else' || name === 'parents') && compared && !ok,
  );
  return found.map(({ name, detail }) => `${name}: ${detail}`);
}

function isGood(checks: readonly Check[], name: string): boolean {
  const found = checks.find((check) => check.name === name);
  return found !== undefined && found.compared && found.ok;
}

function wrongOf(checks: readonly Check[], names: readonly string[]): string | undefined {
  return checks.find(({ name, compared, ok }) => names.includes(name) && compared && !ok)?.detail;
}
