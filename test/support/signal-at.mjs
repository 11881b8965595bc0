/**
 * Loaded into a worker under test by `node --import`: the process sends itself a signal at exactly one point, once.
 * So a SIGKILL or SIGSTOP hits a step's boundary, and the product has no test hooks in it.
 *
 * SIGNAL_AT    activities/storage/repository.ts#sealBackup   an exported function of the product
 *              fs#rename                                     a function of node:fs/promises
 * SIGNAL_WHEN  entered (default) | left (it has succeeded, and nobody knows yet)
 * SIGNAL_IF    a pattern that one of the call's text arguments must match
 * SIGNAL_NTH   which of these calls counts, from 1 (default)
 * SIGNAL       SIGKILL (default) | SIGSTOP | HOLD (none: the call stands still until the work that it is given is cancelled)
 * SIGNAL_ONCE  path of a file that is made when the point is reached; as long as it exists nothing happens again
 */
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { registerHooks, syncBuiltinESMExports } from 'node:module';

const { SIGNAL_AT = '', SIGNAL_WHEN: when = 'entered', SIGNAL: signal = 'SIGKILL', SIGNAL_ONCE: marker } = process.env;
const [file, name] = SIGNAL_AT.split('#');
const pattern = new RegExp(process.env.SIGNAL_IF ?? '');
const nth = Number(process.env.SIGNAL_NTH ?? 1);
if (!file || !name || !marker) throw new Error('SIGNAL_AT and SIGNAL_ONCE must be set');
if (when !== 'entered' && when !== 'left') throw new Error(`SIGNAL_WHEN is entered or left, not ${when}`);

let calls = 0;

function isThis(values) {
  if (existsSync(marker)) return false;
  if (process.env.SIGNAL_IF && !values.some((value) => typeof value === 'string' && pattern.test(value))) return false;
  calls += 1;
  return calls === nth;
}

/** False where another worker was faster: the signal was sent before. */
function mark() {
  try {
    writeFileSync(marker, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function send() {
  if (!mark()) return;
  process.kill(process.pid, signal);
  // A signal is delivered a moment later: nothing of the function may run before.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, signal === 'SIGKILL' ? 60_000 : 200);
}

/** Of a function whose first argument has a `Work`. */
async function hold([{ work }]) {
  if (mark() && !work.signal.aborted) await once(work.signal, 'abort');
}

/** Calls a function, with the signal before it or after its success. */
function callAt(original, self, values) {
  if (!isThis(values)) return original.apply(self, values);
  if (signal === 'HOLD') return hold(values).then(() => original.apply(self, values));
  if (when === 'entered') {
    send();
    return original.apply(self, values);
  }
  const result = original.apply(self, values);
  if (typeof result?.then !== 'function') {
    send();
    return result;
  }
  return result.then((value) => {
    send();
    return value;
  });
}

if (file === 'fs') {
  const original = fsPromises[name];
  if (typeof original !== 'function') throw new Error(`node:fs/promises has no function ${name}`);
  fsPromises[name] = (...values) => callAt(original, fsPromises, values);
  syncBuiltinESMExports();
} else {
  globalThis.signalAt = callAt;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${file}`)) return loaded;
      const declaration = new RegExp(`export ((?:async )?function \\*?)${name}(?=[<(])`);
      const source = Buffer.from(loaded.source ?? '').toString();
      if (!declaration.test(source)) throw new Error(`${file} exports no function ${name}`);
      const wrapper = `export function ${name}(...values) { return globalThis.signalAt(original_${name}, this, values); }`;
      // On one line, so that the positions in stack traces stay right.
      return { ...loaded, source: source.replace(declaration, `${wrapper} $1original_${name}`) };
    },
  });
}
