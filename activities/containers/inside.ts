/**
 * Programs inside a container, by `docker exec`: their output comes through the kernel pipe of the `docker` program,
 * and its exit status is theirs. What that program cannot do is end them: when it dies they go on. So each bears a mark
 * in its environment, by which it is found and ended (see reap.ts).
 *
 * The first process of a container is often the database itself, and adopts whatever was begun by one of ours that
 * died first. When such an orphan ends by a signal, PostgreSQL takes it for a crash of its own, and ends all sessions
 * to recover. So no program of ours may leave children behind: no shell stays between, nothing forks.
 */
import type { Program } from '../streams/types.ts';
import type { Container } from './container.ts';

/** The variable that marks a program inside with its owner. */
export const MARK = 'MOSAIC_BACKUP_OWNER';

/** Variables of this machine that would let `docker` look elsewhere. */
const ELSEWHERE = { DOCKER_CONTEXT: undefined, DOCKER_TLS: undefined, DOCKER_TLS_VERIFY: undefined };

export interface InsideOptions {
  /** Who has begun it: one who reaps for the same owner ends it. Without one it must end by itself with its input. */
  readonly owner?: string;
  /** Whether it reads its stdin. */
  readonly input?: boolean;
}

/**
 * The same program, inside. Its environment passes by name only: values are never in arguments. What is undefined in
 * it is taken out of the container's own.
 */
export function inside(container: Container, program: Program, options: InsideOptions = {}): Program {
  const { id, user, socket } = container;
  const wanted: Program['env'] & {} = { ...program.env, ...(options.owner !== undefined && { [MARK]: options.owner }) };
  const set = Object.keys(wanted).filter((name) => wanted[name] !== undefined);
  const without = Object.keys(wanted).filter((name) => wanted[name] === undefined);
  const args = [
    'exec',
    ...(options.input === true ? ['--interactive'] : []),
    ...(user === undefined ? [] : [`--user=${user}`]),
    ...set.map((name) => `--env=${name}`),
    id,
    // It becomes the program, as `exec` does.
    ...(without.length > 0 ? ['env', ...without.map((name) => `-u${name}`)] : []),
    program.command,
    ...program.args,
  ];
  return {
    ...program,
    command: 'docker',
    args,
    env: { ...wanted, ...ELSEWHERE, DOCKER_HOST: `unix://${socket}` },
    cwd: '/',
  };
}
