/** A server with a shell: it reads its files itself and tells their SHA-256; names change by mv, and are made durable by sync. */
import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Link } from './link.ts';
import { INCOMING } from './program.ts';
import { quote } from './quote.ts';
import { runScript } from './script.ts';
import { foldersAbove, SETTLE, settled } from './settle.ts';
import { digestThere, openThere, readThere } from './shell-read.ts';
import { putByShell } from './shell-put.ts';
import type { Side } from './side.ts';

/** Exit code of our scripts for an answer, which no program of coreutils gives. */
const OTHER = 83;

export function shellSide(link: Link): Side {
  return {
    read: (names) => readThere(link, names),
    open: (key) => openThere(link, key),
    digest: (key, work) => digestThere(link, { name: key, work, phase: `reading ${key} back` }),
    store: (name, bytes, replace) => store(link, name, bytes, replace),
    put: (upload) => putByShell(link, upload),
    remove: (key) => remove(link, key),
    free: async () => (await space(link)).free,
    device: async () => `server:${link.server.host}:${(await space(link)).device}`,
    clock: () => clock(link),
    async probe() {
      const file = quote(`${INCOMING}/probe-${randomUUID()}`);
      await runScript(link, `mkdir -p -- ${INCOMING}\necho probe >${file}\nrm -f -- ${file}`, { doing: 'writing' });
    },
  };
}

async function store(link: Link, name: string, bytes: Uint8Array, replace: boolean): Promise<'stored' | 'other'> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const script = `${SETTLE}
k=${quote(name)} t=${quote(`${INCOMING}/${sha256.slice(0, 16)}-${randomUUID()}`)}
is() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = '${sha256}  -' ]; }
if is "$k"; then exit 0; fi
${replace ? '' : `if [ -e "$k" ]; then exit ${OTHER}; fi`}
mkdir -p -- ${INCOMING} ${quote(path.posix.dirname(name))}
trap 'rm -f -- "$t"' EXIT
base64 -d >"$t" <<'END'
${Buffer.from(bytes).toString('base64').replaceAll(/.{76}/g, '$&\n')}
END
settle "$t"
is "$t"
mv -f -- "$t" "$k"
${settled(name)}
is "$k" || exit ${OTHER}`;
  const { code } = await runScript(link, script, { doing: `writing ${name}`, accept: [OTHER] });
  return code === OTHER ? 'other' : 'stored';
}

async function remove(link: Link, key: string): Promise<void> {
  const empty = foldersAbove(key).map((folder) => `rmdir -- ${quote(folder)} 2>/dev/null || :`);
  await runScript(link, [SETTLE, `rm -f -- ${quote(key)}`, ...empty, settled(key)].join('\n'), {
    doing: `deleting ${key}`,
  });
}

async function clock(link: Link): Promise<Date | null> {
  const { stdout } = await runScript(link, 'date +%s', { doing: 'asking for the time' });
  return /^\d+$/.test(stdout) ? new Date(Number(stdout) * 1000) : null;
}

interface Space {
  readonly device: string;
  /** Bytes for an ordinary user; null where df tells none. */
  readonly free: number | null;
}

/** `Filesystem 1024-blocks Used Available Capacity Mounted on`, as POSIX has it. A device's name may hold spaces. */
async function space(link: Link): Promise<Space> {
  const { stdout } = await runScript(link, 'df -P -k .', { doing: 'asking for free space' });
  const [, device = 'unknown', available] = /^(.*?) +\d+ +-?\d+ +(-?\d+) +(?:\d+%|-) +\//m.exec(stdout) ?? [];
  return { device, free: available === undefined ? null : Math.max(0, Number(available)) * 1024 };
}
