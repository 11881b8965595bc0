/** Removal of secrets from what programs print. */
import type { Program } from './types.ts';

export type Redact = (text: string) => string;

const AGE_IDENTITY = /AGE-SECRET-KEY-[0-9A-Z-]+/g;

/** Redaction of what the caller knows, of each small input of the programs (line by line too), and of age identities. */
export function redaction(programs: readonly Program[], known: Redact | undefined): Redact {
  const secrets = programs
    .flatMap(({ inputs = [] }) => inputs)
    .map((input) => (typeof input === 'string' ? input : Buffer.from(input).toString('utf8')))
    .flatMap((input) => [input].concat(input.split('\n')))
    .map((secret) => secret.trim())
    // Shorter ones would blank out ordinary words, and are not what protects anything.
    .filter((secret) => secret.length >= 6);
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  return function redact(text) {
    const blanked = longestFirst.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
    const anonymous = blanked.replace(AGE_IDENTITY, '***');
    return known ? known(anonymous) : anonymous;
  };
}
