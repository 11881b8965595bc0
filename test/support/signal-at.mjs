/**
 * Loaded into a worker under test by `node --import`: sends the process a signal when it enters an exported function,
 * once. So a SIGKILL or SIGSTOP hits exactly one step boundary, and the product has no test hooks in it.
 *
 * SIGNAL_AT=activities/storage/repository.ts#sealBackup  SIGNAL=SIGKILL  SIGNAL_ONCE=/path/of/a/marker
 */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const [file, name] = (process.env.SIGNAL_AT ?? '').split('#');
const signal = process.env.SIGNAL ?? 'SIGKILL';
const marker = process.env.SIGNAL_ONCE;
if (!file || !name || !marker) throw new Error('SIGNAL_AT and SIGNAL_ONCE must be set');

globalThis.signalHere = () => {
  try {
    writeFileSync(marker, `${process.pid}`, { flag: 'wx' });
  } catch {
    return; // The marker exists: the signal was sent before.
  }
  process.kill(process.pid, signal);
  // A signal is delivered a moment later: nothing of the function may run before.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, signal === 'SIGKILL' ? 60_000 : 100);
};

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${file}`)) return loaded;
    const declaration = new RegExp(`export (async )?function (\\*)?${name}\\(`);
    const source = String(loaded.source);
    if (!declaration.test(source)) throw new Error(`${file} exports no function ${name}`);
    return {
      ...loaded,
      source: source.replace(
        declaration,
        (_all, isAsync = '') => `export function ${name}(...values) { globalThis.signalHere(); return original_${name}(...values); }\n${isAsync}function original_${name}(`,
      ),
    };
  },
});
