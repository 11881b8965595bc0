/** The product's own version, from its package.json. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const packageJson = z.object({ version: z.string() });

/** Found by going up from this file: the same in a checkout and in the published build. */
function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      return packageJson.parse(JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'))).version;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  throw new Error('package.json not found beside the program');
}

export const productVersion = readVersion();
