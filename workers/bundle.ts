/** The workflow bundle: prebuilt in the published package, made once and kept in a cache in a checkout. */
import { bundleWorkflowCode } from '@temporalio/worker';
import { createHash, randomBytes } from 'node:crypto';
import { glob, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Beside the compiled workers in the published package. */
export const PREBUILT_BUNDLE = 'workflow-bundle.js';

/** Path of the workflow bundle to run. */
export async function workflowBundle(): Promise<string> {
  const prebuilt = path.join(ROOT, PREBUILT_BUNDLE);
  if (await exists(prebuilt)) return prebuilt;
  const cache = path.join(
    process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'),
    'mosaic-backup',
    'workflows',
  );
  const file = path.join(cache, `${await fingerprint()}.js`);
  if (await exists(file)) return file;
  await mkdir(cache, { recursive: true });
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  await writeFile(temporary, await buildBundle());
  // Two workers that start at once make the same file: the rename of either is right.
  await rename(temporary, file);
  return file;
}

/** Bundles the workflows of this checkout. */
export async function buildBundle(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(ROOT, 'workflows', 'index.ts'),
    logger: silent,
  });
  return code;
}

const silent = { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error };

/** A digest over everything that the bundle is made of. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256');
  const files: string[] = ['package-lock.json'];
  for await (const file of glob(['workflows/**/*.ts', 'model/**/*.ts'], { cwd: ROOT })) files.push(file);
  for (const file of files.toSorted())
    hash
      .update(file)
      .update('\0')
      .update(await readFile(path.join(ROOT, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 32);
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
