/** Another version of the program: a copy of this checkout's sources in which some text is another. */
import { bundleWorkflowCode } from '@temporalio/worker';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PREBUILT_BUNDLE } from '../../workers/bundle.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What a worker is made of; the rest of a copy it shares with the checkout. */
const COPIED = ['model', 'workflows', 'activities', 'workers', 'client', 'package.json', 'package-lock.json'];

export interface TextChange {
  /** Of the checkout. */
  readonly file: string;
  /** Must be there. */
  readonly found: string;
  readonly written: string;
}

/** Copies the sources into `folder`, which is made, and changes them. */
export async function changedVersion(folder: string, changes: readonly TextChange[]): Promise<void> {
  await mkdir(folder);
  for (const name of COPIED) await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  for (const { file, found, written } of changes) {
    const text = await readFile(path.join(folder, file), 'utf8');
    if (!text.includes(found)) throw new Error(`${file} does not contain: ${found}`);
    await writeFile(
      path.join(folder, file),
      text.replace(found, () => written),
    );
  }
}

/** Bundles the workflows of a copy, where its workers look for them. @returns path of the bundle. */
export async function bundleOf(folder: string): Promise<string> {
  const silent = { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error };
  const workflowsPath = path.join(folder, 'workflows', 'index.ts');
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: silent });
  const bundle = path.join(folder, PREBUILT_BUNDLE);
  await writeFile(bundle, code);
  return bundle;
}
