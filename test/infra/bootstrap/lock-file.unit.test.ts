/** The lock file: it fits every platform, and names no registry. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const lock = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

describe('package-lock.json', () => {
  it('names every optional package of every platform: npm ci refuses a lock file that lacks one', async () => {
    const { packages } = await read();
    const lacking = Object.entries(packages).flatMap(([folder, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !places(folder, name).some((place) => place in packages)),
    );
    assert.deepEqual(lacking, []);
  });

  it('names no registry host', async () => {
    const { packages } = await read();
    const named = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
    assert.deepEqual(named, []);
  });
});

async function read(): Promise<z.output<typeof lock>> {
  return lock.parse(JSON.parse(await readFile(new URL('../../../package-lock.json', import.meta.url), 'utf8')));
}

/** Where a package may lie that one in `folder` asks for: its own node_modules, and those above. */
function places(folder: string, name: string): readonly string[] {
  const parts = folder.split('/node_modules/');
  return [
    ...parts.map(
      (_part, index) => `${parts.slice(0, parts.length - index).join('/node_modules/')}/node_modules/${name}`,
    ),
    `node_modules/${name}`,
  ];
}
