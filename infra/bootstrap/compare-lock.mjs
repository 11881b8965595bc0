/**
 * Exits 0 when node_modules holds what package-lock.json names, though our stamp does not say so: somebody ran
 * `npm install` by hand. Plain JavaScript for Node 18: it runs before anything is installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2];
const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');
const fits = Object.entries(wanted).every(([folder, entry]) => folder === '' || isInstalled(folder, entry));
process.exitCode = fits ? 0 : 1;

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages ?? {};
  } catch (error) {
    // Not there, or cut off by a kill: then npm ci makes it anew. A broken lock file is for npm to report.
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}

function isInstalled(folder, entry) {
  if (entry.optional && !isForThisMachine(entry)) return true;
  const found = installed[folder];
  if (!found || found.version !== entry.version || found.integrity !== entry.integrity) return false;
  return existsSync(join(root, folder, 'package.json'));
}

function isForThisMachine({ os, cpu, libc }) {
  return allows(os, process.platform) && allows(cpu, process.arch) && allows(libc, libcHere());
}

function allows(list, value) {
  if (!list) return true;
  const entries = [list].flat();
  if (entries.includes(`!${value}`)) return false;
  return entries.includes(value) || entries.every((entry) => entry.startsWith('!'));
}

function libcHere() {
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
}
