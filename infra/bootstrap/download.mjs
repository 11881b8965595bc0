/**
 * Downloads a file and keeps it only if its SHA-256 is the pinned one: download.mjs URL SHA256 FILE [SECONDS].
 * Gives up where nothing answers within those seconds, since there is another way to have what it downloads.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

const STALLED_AFTER = 20_000;

const [url, pinned, file, seconds = '8'] = process.argv.slice(2);
const controller = new AbortController();
let timer = giveUpAfter(Number(seconds) * 1000, 'no answer');

try {
  const response = await fetch(url, { signal: controller.signal });
  if (!response.ok || !response.body) throw new Error(`answered ${response.status}`);
  const hash = createHash('sha256');
  await pipeline(response.body, (chunks) => counted(chunks, hash), createWriteStream(`${file}.part`));
  if (hash.digest('hex') !== pinned)
    throw new Error('what came is not the release: its SHA-256 differs from the pinned one');
  await rename(`${file}.part`, file);
} catch (error) {
  await rm(`${file}.part`, { force: true });
  const reason = controller.signal.aborted ? controller.signal.reason : (error.cause ?? error);
  console.error(`set-up: not downloaded from ${new URL(url).host}: ${reason.message || reason.code}`);
  process.exitCode = 1;
} finally {
  clearTimeout(timer);
}

async function* counted(chunks, hash) {
  for await (const chunk of chunks) {
    clearTimeout(timer);
    timer = giveUpAfter(STALLED_AFTER, 'it stalled');
    hash.update(chunk);
    yield chunk;
  }
}

function giveUpAfter(milliseconds, reason) {
  return setTimeout(() => controller.abort(new Error(`${reason} within ${milliseconds / 1000} s`)), milliseconds);
}
