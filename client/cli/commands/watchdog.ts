/** `watchdog`: one look at everything from outside of Temporal, by a timer; what cannot watch itself is watched. */
import type { Command } from 'commander';
import type { Site } from '../../../activities/site.ts';
import type { BackupError } from '../../../model/errors.ts';
import type { Watched } from '../../watchdog/watch.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { findingsText } from '../findings.ts';

export function registerWatchdog(program: Command, cli: OpenCli): void {
  const watchdog = program
    .command('watchdog')
    .description(
      'look once at Temporal, schedules, workers, the age of backups and unfinished work; tell who is named in the config (status 10 when something is wrong)',
    )
    .option('--dry-run', 'look, and tell nobody')
    .action((options: { readonly dryRun?: boolean }) => watchdogCommand(cli(), options.dryRun ?? false));
  examples(watchdog, [
    ['watchdog', 'what mosaic-backup.timer does every five minutes'],
    ['watchdog --dry-run', 'the same, telling nobody'],
  ]);
}

/** Somebody could not be told, or nothing could be remembered: whoever watches the watchdog has to know. */
const NOT_TOLD = 1;

async function watchdogCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const [{ watch }, { exitStatus }] = await Promise.all([
    import('../../watchdog/watch.ts'),
    import('../../../model/errors.ts'),
  ]);
  const { site, broken } = await lastGoodSite(cli);
  const watched = await watch({ site, env: cli.env, broken, dryRun, work: await cli.work() });
  const { found, errors, ping } = watched;
  const findings = found.map(({ alert, source, host, message, remedy, since }) => ({
    code: alert,
    source,
    host,
    message: site.redact(message),
    remedy: site.redact(remedy),
    since,
  }));
  const ok = found.length === 0 && errors.length === 0;
  cli.out.result({ ok, site: site.config.site, host: site.host, dryRun, findings, errors, ping }, () =>
    inWords(cli, site, watched),
  );
  if (broken !== null) cli.exitWith(exitStatus('config'));
  else if (errors.length > 0) cli.exitWith(NOT_TOLD);
  else if (found.length > 0) cli.exitWith(exitStatus('doctor-found-problems'));
}

/**
 * The site of the config; where that cannot be read, of the last one that could, so that somebody is told.
 * @throws BackupError `config` where none is remembered.
 */
async function lastGoodSite(cli: Cli): Promise<{ readonly site: Site; readonly broken: BackupError | null }> {
  const [{ rememberedConfigs }, { loadSite }, { BackupError }] = await Promise.all([
    import('../../watchdog/config-memory.ts'),
    import('../../../activities/config/load.ts'),
    import('../../../model/errors.ts'),
  ]);
  try {
    return { site: await cli.site(), broken: null };
  } catch (broken) {
    if (!(broken instanceof BackupError)) throw broken;
    const { env, options, cwd } = cli;
    const file = await cli.configFile().catch(() => options.config ?? '');
    for (const remembered of await rememberedConfigs(file, env)) {
      try {
        return { site: await loadSite({ file: remembered, host: options.host, env, cwd }), broken };
      } catch (error) {
        if (!(error instanceof BackupError)) throw error;
      }
    }
    throw broken;
  }
}

function inWords(cli: Cli, site: Site, { found, errors, ping }: Watched): string {
  const lines = found.map(({ alert, message, remedy, source, host, since }) =>
    findingsText(
      [
        {
          code: alert,
          severity: 'error',
          message: `${alert}, since ${since}: ${site.redact(message)}`,
          remedy: site.redact(remedy),
          subject: source ?? host,
        },
      ],
      cli.out,
    ),
  );
  const failed = errors.map(
    ({ step, message, remedy }) => `${step} failed: ${message}${remedy ? `\n  → ${remedy}` : ''}`,
  );
  const verdict =
    found.length === 0 && errors.length === 0 ? `All is well with ${site.config.site}, seen from ${site.host}.` : '';
  const pinged = ping === 'sent' ? "The dead man's switch was told." : '';
  return [...lines, ...failed, verdict, pinged].filter((line) => line !== '').join('\n');
}
