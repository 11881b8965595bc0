import assert from 'node:assert/strict';
import { glob, readdir, readFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LAYERS = ['model', 'workflows', 'activities', 'workers', 'client', 'infra', 'test'];
/** What each layer may import as values. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  model: ['model'],
  workflows: ['workflows', 'model'],
  activities: ['activities', 'model'],
  workers: ['workers', 'workflows', 'activities', 'model'],
  client: ['client', 'workers', 'workflows', 'activities', 'model'],
  infra: LAYERS,
  test: LAYERS,
};

interface Import {
  readonly file: string;
  readonly layer: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

describe('architecture', () => {
  it('dependencies point one way: client → workers → workflows, activities → model', async () => {
    const wrong = (await imports()).filter(({ file, layer, specifier, typeOnly }) => {
      if (!specifier.startsWith('.')) return false;
      const target = path.relative(ROOT, path.resolve(ROOT, path.dirname(file), specifier)).split(path.sep)[0] ?? '';
      if (layer === 'workflows' && target === 'activities') return !typeOnly;
      return LAYERS.includes(target) && !(ALLOWED[layer] ?? []).includes(target);
    });
    assert.deepEqual(wrong, []);
  });

  it('the tree has the folders of the design, and no other', async () => {
    const ignored = (await readFile(path.join(ROOT, '.gitignore'), 'utf8'))
      .split('\n')
      .map((line) => line.replaceAll(/^\/|\/$/g, ''));
    const entries = await readdir(ROOT, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && !['.git', ...ignored].includes(entry.name));
    assert.deepEqual(folders.map(({ name }) => name).toSorted(), ['.ci', 'docs', ...LAYERS].toSorted());
  });

  it('the model imports no Node built-in and no Temporal, so that it can be part of the workflow bundle', async () => {
    const wrong = (await imports()).filter(
      ({ layer, specifier }) => layer === 'model' && (isBuiltin(specifier) || specifier.startsWith('@temporalio/')),
    );
    assert.deepEqual(wrong, []);
  });

  it('workflows import no Node built-in', async () => {
    assert.deepEqual(
      (await imports()).filter(
        ({ layer, specifier, typeOnly }) => layer === 'workflows' && isBuiltin(specifier) && !typeOnly,
      ),
      [],
    );
  });

  it('only thin activity files know Temporal', async () => {
    const wrong = (await imports()).filter(
      ({ file, layer, specifier }) =>
        layer === 'activities' && specifier.startsWith('@temporalio/') && path.dirname(file) !== 'activities',
    );
    assert.deepEqual(wrong, []);
  });
});

async function imports(): Promise<Import[]> {
  const found: Import[] = [];
  for await (const file of glob(`{${LAYERS.join(',')}}/**/*.ts`, { cwd: ROOT })) {
    const text = await readFile(path.join(ROOT, file), 'utf8');
    const layer = file.split(path.sep)[0] ?? '';
    for (const match of text.matchAll(
      /^(?:import|export)\s+(type\s)?[^'"();]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm,
    )) {
      found.push({ file, layer, specifier: match[2] ?? match[3] ?? '', typeOnly: match[1] !== undefined });
    }
  }
  assert.ok(found.length > 50, 'the search for imports found nothing to judge');
  return found;
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:') || builtinModules.includes(specifier);
}
