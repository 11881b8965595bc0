/** Who restores into a running server: as to a folder (`carry-out.ts`). */
import path from 'node:path';
import { SEEN } from '../../../activities/operations/restore-into.ts';
import { seeTarget } from '../../../activities/operations/restore-seen.ts';
import { pinned, type Catalogued } from '../../../activities/storage/catalogue.ts';
import { hostNames } from '../../../model/config/hosts.ts';
import { BackupError } from '../../../model/errors.ts';
import { parseInto } from '../../../model/into.ts';
import type { IntoInput, PutInto } from '../../../model/into-run.ts';
import { placeOption } from '../place-option.ts';
import type { IntoHandle } from '../../restore/run.ts';
import type { Cli } from '../context.ts';
import { failureOf, OF_THE_WORKER, sayHere, staysHere } from './carry-out.ts';
import type { RestoreOptions } from './options.ts';

export interface IntoOrder extends Pick<IntoInput, 'what' | 'into'> {
  readonly backup: Catalogued;
}

/** Names in `--into` whose values are paths. */
const PATHS: ReadonlySet<string> = new Set(['socket', 'ca', 'sslrootcert']);

/**
 * What `--into` says, with paths from the folder of the command, as all of its paths are: a worker has another one.
 * @throws BackupError `usage`, also for a path of another host that is none there.
 */
export async function intoOf(cli: Cli, { into = '', on }: RestoreOptions): Promise<Readonly<Record<string, string>>> {
  const settings = parseInto(into);
  const isElsewhere = on !== undefined && on !== (await cli.site()).host;
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      if (!PATHS.has(name) || value === '' || path.isAbsolute(value)) return [name, value];
      if (!isElsewhere) return [name, path.resolve(cli.cwd, value)];
      throw new BackupError('usage', `A restore on ${on}: ${name} of --into is no absolute path there.`, {
        remedy: `Write it from the root: ${name}=/…`,
      });
    }),
  );
}

/** @throws BackupError `usage` for a worker that cannot do it as it is asked for. */
export async function requireOn(
  cli: Cli,
  { on, direct, from, passwordEnv, passwordFile }: RestoreOptions,
): Promise<void> {
  if (on === undefined) return;
  const { config, host } = await cli.site();
  if (!hostNames(config).includes(on))
    throw new BackupError('usage', `The config has no host "${on}".`, {
      remedy: `Name one of: ${hostNames(config).join(', ')}.`,
    });
  const wrong =
    (direct && '--direct is this process, and --on a worker: only one of them can restore') ||
    (passwordEnv !== undefined && `the worker of ${on} has other variables than this command`) ||
    (on !== host && from === undefined && `from which destination ${on} is to take it is not said`) ||
    (on !== host && passwordFile?.startsWith('/') === false && 'the password file is no absolute path there');
  if (!wrong) return;
  throw new BackupError('usage', `A restore on ${on}: ${wrong}.`, {
    remedy: `As in: --from DESTINATION --on ${on} --password-file /FILE/ON/THAT/HOST; or give the command there.`,
  });
}

/**
 * By a worker where one takes it, else by `here`.
 * @throws BackupError as `here` does.
 */
export async function carryOutInto(
  cli: Cli,
  order: IntoOrder,
  options: RestoreOptions,
  here: () => Promise<PutInto>,
): Promise<PutInto> {
  const { on } = options;
  if (await isOwn(cli, options)) return here();
  const [{ offeredOr }, { startInto }, { noWorker }] = await Promise.all([
    import('./offered.ts'),
    import('../../restore/run.ts'),
    import('./by-worker.ts'),
  ]);
  const { config } = await cli.site();
  const asked = await inputOf(cli, order, options);
  return offeredOr(cli, {
    host: asked.host,
    start: (client) => startInto(client, config, asked),
    follow: (handle) => followed(cli, handle, asked),
    // One that a worker may just have begun when its run was ended is taken back by that: until then the server says that somebody is at it.
    here,
    ...(on !== undefined && {
      refused: (why) => noWorker(on, why ?? 'no Temporal is configured, and none runs here'),
    }),
  });
}

/** Where the password is in a variable only this process has it. */
async function isOwn(cli: Cli, options: RestoreOptions): Promise<boolean> {
  if (await staysHere(cli, options)) return true;
  if (options.passwordEnv === undefined) return false;
  sayHere(cli, `its password is in the variable ${options.passwordEnv} of this command`);
  return true;
}

async function inputOf(cli: Cli, { backup, what, into }: IntoOrder, options: RestoreOptions): Promise<IntoInput> {
  const { on, from, passwordFile, replace = false } = options;
  const site = await cli.site();
  const { manifest } = backup;
  return {
    site: site.config.site,
    host: on ?? site.host,
    source: manifest.source,
    backup: pinned(manifest),
    place: placeOption(from) ?? null,
    what,
    into,
    passwordFile: passwordFile === undefined ? null : path.resolve(cli.cwd, passwordFile),
    replace,
    ...(on === undefined && { seen: await seeTarget(site, SEEN) }),
  };
}

async function followed(cli: Cli, handle: IntoHandle, { host, seen }: IntoInput) {
  const { watched } = await import('./watched.ts');
  const { elsewhere, done, error } = await watched(cli, handle, host);
  if (elsewhere !== undefined) return { why: elsewhere };
  if (done !== null) return { result: done };
  if (error === null) throw new BackupError('failed', 'the run ended before it was restored');
  if (seen !== undefined && OF_THE_WORKER.has(error.code)) return { why: `its worker cannot: ${error.message}` };
  throw failureOf(error);
}
