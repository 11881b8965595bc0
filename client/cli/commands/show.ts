/** `show REF`: one backup, or one recovery point. */
import type { Command } from 'commander';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { describeExports } from '../../backups/exports.ts';
import type { BackupEntry, Overview, Proof } from '../../backups/overview.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';
import { entryJson } from './list.ts';

interface ShowOptions {
  readonly destination?: string;
}

export function registerShow(program: Command, cli: OpenCli): void {
  const show = program
    .command('show')
    .description('show a backup or a recovery point: what it holds, where it is, what checks found')
    .argument(
      '<reference>',
      'a backup (<tier>/<source>/<id>, or shorter where unique), or a recovery point (<plan>-<time>)',
    )
    .option('--destination <name>', 'as this destination holds it')
    .action((reference: string, options: ShowOptions) => showCommand(cli(), reference, options));
  examples(show, [
    ['show daily/postgres/20261123T020000Z-full', 'a backup by its whole name'],
    ['show postgres/20261123', 'shorter'],
    ['show daily-2026-11-23T02:00:00Z', 'what a run produced'],
  ]);
}

async function showCommand(cli: Cli, reference: string, options: ShowOptions): Promise<void> {
  const [{ readOverview }, { chooseByReference, newestOfEachSource, LATEST_REFERENCE }, { placeOption }] =
    await Promise.all([
      import('../../backups/overview.ts'),
      import('../../backups/choose.ts'),
      import('../place-option.ts'),
    ]);
  const overview = await readOverview(await cli.site(), placeOption(options.destination));
  const id = reference.replace(/^recovery-points\//, '').replace(/\.json$/, '');
  const point = overview.recoveryPoints.find((entry) => entry.id === id);
  if (point) {
    cli.out.result({ recoveryPoint: point }, () => pointText(point));
    return;
  }
  if (reference === LATEST_REFERENCE || overview.entries.some(({ source }) => source === reference)) {
    throw await namesASource(
      reference,
      newestOfEachSource(overview, reference === LATEST_REFERENCE ? undefined : reference),
    );
  }
  const entry = chooseByReference(overview, reference);
  const [{ formatBytes }, { describeExports }] = await Promise.all([
    import('../../../model/units.ts'),
    import('../../backups/exports.ts'),
  ]);
  const { manifest } = entry.backup;
  const exports = describeExports(manifest);
  cli.out.result({ backup: entryJson(entry), exports, manifest }, () =>
    [backupText(entry, formatBytes), ...exportsText(exports, formatBytes)].join('\n'),
  );
}

/** `show` is of one backup: what was meant is one of these. */
async function namesASource(reference: string, newest: Overview['entries']): Promise<Error> {
  const { BackupError } = await import('../../../model/errors.ts');
  const commands = newest.map((entry) => `mosaic-backup show ${entry.reference}`);
  return new BackupError('not-found', `"${reference}" is no reference of a backup.`, {
    remedy: commands.length > 0 ? `The newest: ${commands.join(', ')}` : 'There is no backup yet.',
    facts: { reference, newest: newest.map((entry) => entry.reference) },
  });
}

function backupText(entry: BackupEntry, formatBytes: (bytes: number) => string): string {
  const { manifest, folder } = entry.backup;
  const facts = [
    ['reference', entry.reference],
    ['source', `${manifest.source} (${manifest.type}) on ${manifest.host}`],
    ['kind', manifest.parent ? `${manifest.kind}, on ${manifest.parent.reference}` : manifest.kind],
    ['run', manifest.run],
    ['captured', `${manifest.started} to ${manifest.finished}, ${manifest.consistency}-consistent`],
    [
      'engine',
      Object.entries(manifest.engine)
        .map(([name, value]) => `${name} ${plain(value)}`)
        .join(', '),
    ],
    [
      'position',
      Object.entries(manifest.position ?? {})
        .map(([name, value]) => `${name} ${plain(value)}`)
        .join(', '),
    ],
    ['at', entry.places.map((place) => `${place}:${folder}`).join('  ')],
    ['verified', entry.verified.map(proofText).join(', ') || 'never'],
    ['proven', entry.proven ? proofText(entry.proven) : 'never restored and checked'],
    ['on hold', entry.held ? `since ${entry.held.time}: ${entry.held.reason}` : ''],
    ['broken', entry.broken.map(({ problem }) => problem).join('; ')],
    ['signed by', manifest.signature.keyId],
    [
      'tools',
      Object.entries(manifest.tools)
        .map(([tool, version]) => `${tool} ${version}`)
        .join(', '),
    ],
  ].filter(([, value]) => value !== '');
  const artifacts = manifest.artifacts.map(({ role, name, bytes, plainBytes, sha256 }) => [
    role,
    name,
    formatBytes(bytes),
    formatBytes(plainBytes),
    sha256,
  ]);
  const warnings = manifest.warnings.map(({ code, message }) => `warning ${code}: ${message}`);
  return [
    ...facts.map(([name = '', value = '']) => `${name.padEnd(10)} ${value}`),
    '',
    table(['role', 'artifact', 'stored', 'plain', 'sha256'], artifacts, ['stored', 'plain']),
    ...(warnings.length > 0 ? ['', ...warnings] : []),
  ].join('\n');
}

function exportsText(
  exports: ReturnType<typeof describeExports>,
  formatBytes: (bytes: number) => string,
): readonly string[] {
  if (exports.length === 0) return [];
  const rows = exports.map(({ scope, database, at, artifact, plainBytes }) => [
    database ?? `(${scope})`,
    at,
    artifact,
    formatBytes(plainBytes),
  ]);
  return ['', table(['export of', 'as of', 'artifact', 'plain'], rows, ['plain'])];
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function proofText({ place, time, ok }: Proof): string {
  return `${ok ? 'ok' : 'DAMAGED'} at ${place}, ${time}`;
}

function pointText({ id, plan, scheduled, created, outcome, sources }: RecoveryPoint): string {
  const rows = sources.map((source) => [
    source.source,
    source.outcome,
    `${source.backup?.reference ?? 'none'}${source.stale ? ' (an older one)' : ''}`,
    source.copies.join(', '),
    source.error ?? '',
  ]);
  return [
    `${id}: ${outcome}. Plan ${plan}, scheduled ${scheduled}, signed ${created}`,
    '',
    table(['source', 'outcome', 'backup', 'copies', 'error'], rows),
  ].join('\n');
}
