/**
 * Builds the package for publishing into `build/`, or `package/` below a folder that is given: JavaScript (Node refuses types under node_modules), a prebuilt
 * workflow bundle, schemas, roles and docs, and a package.json without what only a checkout needs.
 * `npm publish ./build` publishes it, `npm pack ./build` packs it.
 */
import { execa } from 'execa';
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { STORED_SCHEMAS, storedSchema } from '../../model/schemas.ts';
import { buildBundle, PREBUILT_BUNDLE } from '../../workers/bundle.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [into] = process.argv.slice(2);
const BUILD = into === undefined ? path.join(ROOT, 'build') : path.join(path.resolve(into), 'package');
/** Copied as they are. */
const COPIED = [
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'docs',
  'infra/roles',
  'infra/example',
  'infra/systemd',
  'infra/compose',
];

await rm(BUILD, { recursive: true, force: true });
await execa(path.join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'infra/publish/tsconfig.json', '--outDir', BUILD], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const item of COPIED) await cp(path.join(ROOT, item), path.join(BUILD, item), { recursive: true });
await writeBundle();
await writeSchemas();
await writePackageJson();
await chmod(path.join(BUILD, 'client/cli/main.js'), 0o755);
console.error(`built ${BUILD}`);

async function writeBundle(): Promise<void> {
  await writeFile(path.join(BUILD, PREBUILT_BUNDLE), await buildBundle());
}

async function writeSchemas(): Promise<void> {
  await mkdir(path.join(BUILD, 'schemas'));
  for (const name of STORED_SCHEMAS) {
    await writeFile(
      path.join(BUILD, 'schemas', `${name}.json`),
      `${JSON.stringify(storedSchema(name), undefined, 2)}\n`,
    );
  }
}

/** Without scripts and devDependencies; without the runtimes for other architectures, which only a checkout uses. */
async function writePackageJson(): Promise<void> {
  const {
    private: _private,
    scripts: _scripts,
    devDependencies: _dev,
    optionalDependencies: _optional,
    ...published
  } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  await writeFile(path.join(BUILD, 'package.json'), `${JSON.stringify(published, undefined, 2)}\n`);
}
