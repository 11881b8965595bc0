/** The product's own version, from its package.json. */
import { readFileSync } from 'node:fs';

/** Found by going up from this file: the same in a checkout and in the published build. */
function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const { version }: { version?: unknown } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      // Checked by hand and not by a schema: every start of the command line reads it.
      if (typeof version === 'string') return version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new Error('package.json not found beside the program');
}

export const productVersion = readVersion();
