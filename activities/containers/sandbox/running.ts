/** How programs and servers run in a container that is a sandbox. */
import { randomUUID } from 'node:crypto';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { startProcess } from '../../sources/private-server/process.ts';
import type { ContainerSandbox, FoundProgram, WorksAs } from '../../sources/private-server/sandbox.ts';
import type { ServerUser } from '../../sources/private-server/user.ts';
import { runProgram } from '../../streams/run.ts';
import type { Program } from '../../streams/types.ts';
import type { Container } from '../container.ts';
import { dockerAt, refusalOf } from '../docker.ts';
import { inside } from '../inside.ts';
import { requireWhole } from './whole.ts';

export interface RunningOptions {
  readonly container: Container;
  /** With its digest. */
  readonly image: string;
  readonly users: Readonly<Record<WorksAs, ServerUser>>;
  /** A folder that is inside too, with a short path. */
  readonly sockets: string;
  /** Whether its input is still held: it is lost with Docker itself, also where containers outlive that. */
  readonly held: () => boolean;
}

/** What programs print is parsed, so it is in English, whatever the image says. */
const LANGUAGE = { LC_ALL: 'C.UTF-8' };

/** Writes its own pid, and becomes the server. */
const BECOME = 'echo $$ >"$0" && exec "$@"';
/** One that has ended already, or has not begun, needs none. */
const SIGNAL = 'read -r pid <"$1" && kill -s "$2" "$pid" 2>/dev/null; exit 0';
/** A program of Docker's that fails ends with 1 too, so it is said in words. */
const HAS = 'test -x "$1" && echo yes; exit 0';

/** `<folder> <TAB> <what it prints>` of each, and of those that the image itself looks in. The shell expands patterns. */
const FIND = `
program=$1
shift
IFS=:
for folder in $* $PATH; do
  [ -x "$folder/$program" ] || continue
  printf '%s\\t%s\\n' "$folder" "$("$folder/$program" --version 2>/dev/null)"
done
exit 0
`;

export function runningIn({ container, image, users, sockets, held }: RunningOptions): ContainerSandbox {
  const activity = activityIn(container);

  function program(wanted: Program, as: WorksAs): Program {
    const { user, ...rest } = wanted;
    const { uid, gid } = user ?? users[as];
    const env = { ...LANGUAGE, ...wanted.env };
    return { ...inside({ ...container, user: `${uid}:${gid}` }, { ...rest, env }, { input: true }), activity };
  }
  const script = (text: string, args: readonly string[], as: WorksAs = 'server') =>
    runProgram(program({ command: 'sh', args: ['-c', text, 'sh', ...args] }, as));

  return {
    image,
    program,
    async has(file) {
      return (await script(HAS, [file], 'worker')).stdout === 'yes';
    },
    async find(name, folders): Promise<readonly FoundProgram[]> {
      const { stdout } = await script(FIND, [name, ...folders]);
      return stdout.split('\n').flatMap((line) => {
        const [folder, printed] = line.split('\t');
        return folder !== undefined && printed !== undefined ? [{ folder, printed }] : [];
      });
    },
    start({ command, user, log, env = {} }) {
      const pidFile = `/tmp/${randomUUID()}.pid`;
      const { uid, gid } = user ?? users.server;
      const as = { ...container, user: `${uid}:${gid}` };
      const args = ['-c', BECOME, pidFile, ...command];
      const client = inside(as, { command: 'sh', args, env: { ...LANGUAGE, ...env } });
      return startProcess({
        command: [client.command, ...client.args],
        // What speaks to Docker stays ourselves.
        user: undefined,
        log,
        deathSignal: 'KILL',
        env: definedOf({ ...client.env, DOCKER_CONFIG: '/nonexistent' }),
        send: async (signal) => {
          const name = signal.replace(/^SIG/, '');
          await runProgram(inside(as, { command: 'sh', args: ['-c', SIGNAL, 'sh', pidFile, name] }));
        },
        activity,
      });
    },
    async socketFolder(wanted, name, user) {
      if (Buffer.byteLength(path.join(wanted, name)) <= 107) return { folder: wanted, remove: async () => undefined };
      const folder = await mkdtemp(path.join(sockets, 's'));
      if (user) await chown(folder, user.uid, user.gid);
      return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
    },
    requireWhole: (said) => requireWhole(container, { held: held(), said }),
  };
}

function definedOf(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Nanoseconds in a tick of the clock, as /proc counts them. */
const TICK = 1e7;

const counted = z.looseObject({
  cpu_stats: z
    .looseObject({ cpu_usage: z.looseObject({ total_usage: z.number().default(0) }).prefault({}) })
    .prefault({}),
  blkio_stats: z
    .looseObject({ io_service_bytes_recursive: z.array(z.looseObject({ value: z.number() })).nullish() })
    .prefault({}),
});

/** All that runs in it, as Docker counts it: its processes may be in another pid namespace than ours. */
function activityIn({ id, socket }: Container): () => Promise<number> {
  const container = dockerAt(socket).getContainer(id);
  let last = 0;
  return async () => {
    try {
      const { cpu_stats: cpu, blkio_stats: io } = counted.parse(
        await container.stats({ stream: false, 'one-shot': true }),
      );
      const bytes = (io.io_service_bytes_recursive ?? []).reduce((sum, { value }) => sum + value, 0);
      last = Math.max(last, Math.floor(cpu.cpu_usage.total_usage / TICK) + Math.floor(bytes / 4096));
    } catch (error) {
      // No answer of Docker's is no sign of life, and no more than that.
      if (refusalOf(error) === undefined) throw error;
    }
    return last;
  };
}
