/** `keys list` and `keys check`. */
import { checkKeys, listKeys, type KeyList } from '../../keys/list.ts';
import { exitStatus } from '../../../model/errors.ts';
import { BackupError } from '../../../model/errors.ts';
import { placeNames } from '../../../activities/operations/keys/places.ts';
import { findingsText } from '../findings.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';
import { identityFiles } from './files.ts';

export async function listCommand(cli: Cli, files: readonly string[] | undefined): Promise<void> {
  const list = await listKeys(await cli.site(), identityFiles(cli, files), cli.signal);
  cli.out.result({ ...list }, () => listText(list));
}

function listText({ recipients, signing, places }: KeyList): string {
  const columns = ['recipient', 'in the config', 'identity', ...places.map(({ place }) => place)];
  const rows = recipients.map(({ recipient, inConfig, atHand, opens }) => [
    recipient,
    inConfig ? 'yes' : 'no',
    atHand ? 'at hand' : '',
    ...places.map(({ place, backups }) => `${opens[place]?.length ?? 0} of ${backups}`),
  ]);
  const signers = signing.map(({ keyId, state, since, own, signed }) => [
    keyId,
    since === null ? state : `${state} since ${since}`,
    own ? 'this host' : '',
    String(signed),
  ]);
  return [
    table(columns, rows),
    ...places.flatMap((place) => notes(place)),
    '',
    table(['signing key', 'state', 'of', 'backups'], signers, ['backups']),
  ].join('\n');
}

function notes({ place, unopened, others, away }: KeyList['places'][number]): readonly string[] {
  return [
    ...(away === null ? [] : [`${place}: ${away}`]),
    ...(unopened === 0
      ? []
      : [`${place}: ${unopened} backup(s) that no identity at hand opens: whom they open for cannot be told here`]),
    ...(others === 0
      ? []
      : [`${place}: ${others} backup(s) with wraps of which nothing at hand shows for whom they are`]),
  ];
}

export async function checkCommand(
  cli: Cli,
  files: readonly string[] | undefined,
  place: string | undefined,
): Promise<void> {
  const site = await cli.site();
  const known = placeNames(site);
  if (place !== undefined && !known.includes(place)) {
    throw new BackupError('not-found', `${site.file} has no place "${place}".`, {
      remedy: `Choose one of: ${known.join(', ')}.`,
    });
  }
  const found = await checkKeys(site, { files: identityFiles(cli, files), place, signal: cli.signal });
  cli.out.result({ ...found }, () =>
    [
      ...(found.findings.length === 0 ? [] : [findingsText(found.findings, cli.out)]),
      found.verdict === 'ok'
        ? `the keys of ${found.checked} backup(s) open, for exactly the recipients of the config`
        : `${found.checked} backup(s) looked at`,
    ].join('\n'),
  );
  if (found.verdict !== 'ok')
    cli.exitWith(exitStatus(found.verdict === 'damaged' ? 'verification-failed' : 'doctor-found-problems'));
}
