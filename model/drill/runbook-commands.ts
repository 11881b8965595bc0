/** The commands of a runbook: literal, and run by sh from top to bottom. Pure. */
import type { DestinationConfig } from '../config/destination.ts';
import { readableFirst } from '../config/destinations/thaw.ts';
import { secretsOfAws } from '../config/destinations/aws.ts';
import { secretsOfRsync } from '../config/destinations/rsync.ts';
import { coordinatorOf, hostNames } from '../config/hosts.ts';
import type { SiteConfig } from '../config/site.ts';
import { shellLine, shellWord } from '../shell.ts';
import type { DrillReport, Scenario } from './drill.ts';
import { destinationsLeft } from './left.ts';
import { recoveryOrder, type RecoverySource } from './order.ts';
import { placeOf } from './place.ts';
import { restoreWords, type RestoreWords } from './restore-words.ts';
import { sourcesOfDrills } from './whole.ts';

export interface ProgramNeed {
  readonly program: string;
  readonly package: string;
  readonly version: string | null;
}

/** The sources in the order of their recovery. */
export function recoverySources(config: SiteConfig): readonly RecoverySource[] {
  return recoveryOrder(config, sourcesOfDrills(config));
}

/** Where everything comes from: as the last drill had it, else the first place that can be read at once. */
export function fromOf(config: SiteConfig, scenario: Scenario, drill: DrillReport | null): string {
  const names = readableFirst(config.destinations);
  const left = destinationsLeft(config, scenario);
  const drilled = drill?.scenario === scenario ? drill.sources.map(placeOf) : [];
  const first = drilled.find((place) => typeof place === 'string' && left.includes(place));
  // Where no lock keeps any, they may be whole all the same.
  const other = names.find((name) => left.includes(name) || (scenario === 'ransomware' && left.length === 0));
  return first ?? other ?? 'repository';
}

/** Options that every command of the recovery has. */
export function optionsOf(config: SiteConfig, drill: DrillReport | null): readonly string[] {
  const hosts = hostNames(config);
  const wanted = [drill?.host, config.plans.drill.host].find((host) => host !== undefined && hosts.includes(host));
  return ['-c', 'recovery.yaml', ...(hosts.length > 1 ? ['--host', wanted ?? coordinatorOf(config)] : [])];
}

/** Where the program itself is brought to: it is in no registry, and whatever has its name there is not it. */
export const CHECKOUT = '/root/mosaic-backup';

/** What installs what is missing. @param provision commands of the config's own. */
export function programCommands(
  needs: Readonly<Record<string, readonly ProgramNeed[]>>,
  provision: readonly (readonly string[])[],
): readonly string[] {
  const common = ['age', 'zstd'].map((program) => ({ program, package: program }));
  const all = new Map([...common, ...Object.values(needs).flat()].map((need) => [need.package, need]));
  return [
    ...provision.map(shellLine),
    ...[...all.values()].map(({ program, package: name }) => {
      const test = program.startsWith('/')
        ? `[ -x ${shellWord(program)} ]`
        : `command -v ${shellWord(program)} > /dev/null`;
      return `${test} || apt-get install --yes ${shellWord(name)}`;
    }),
    `export CHECKOUT="\${CHECKOUT:-${CHECKOUT}}"`,
    'command -v mosaic-backup > /dev/null || { sh "$CHECKOUT/infra/bootstrap/run.sh" setup client && ln -s "$CHECKOUT/infra/mosaic-backup" /usr/local/bin/mosaic-backup; }',
  ];
}

export function identityCommands(): readonly string[] {
  return [
    'export IDENTITY="${IDENTITY:-/root/identity.txt}" RECOVERED="${RECOVERED:-/srv/recovered}"',
    'chmod 600 "$IDENTITY"',
    'mkdir -p "$RECOVERED" && cd "$RECOVERED"',
  ];
}

/** What a place needs before it can be read: secrets that the config names by where they are, disks. */
export function placeCommands(
  { destinations }: SiteConfig,
  from: string,
): { readonly words: readonly string[]; readonly commands: readonly string[] } {
  const config = destinations[from];
  if (config === undefined) return { words: ['There is no destination: only the repository itself.'], commands: [] };
  const access = config.access === undefined ? [] : [`${from}: ${config.access}`];
  if (config.type === 'directory')
    return {
      words: [`Mount the disk of ${from} at ${config.path}.`, ...access],
      commands: [`ls ${shellWord(config.path)}`],
    };
  const secrets = secretsAt(config);
  return {
    words: [`Put the secrets of ${from} where the config reads them.`, ...access],
    commands: secrets.flatMap((secret) => {
      if ('file' in secret) return [`ls -l ${shellWord(secret.file)}`];
      return 'env' in secret ? [`: "\${${secret.env}:?a secret of ${from}}"`] : [];
    }),
  };
}

function secretsAt(config: Exclude<DestinationConfig, { readonly type: 'directory' }>) {
  const secrets = config.type === 'rsync' ? secretsOfRsync(config) : secretsOfAws(config);
  return secrets.filter((secret) => secret !== undefined);
}

interface Restoring {
  readonly config: SiteConfig;
  readonly source: RecoverySource;
  readonly scenario: Scenario;
  readonly drill: DrillReport | null;
  /** Whether it has continuous logs. */
  readonly logged: boolean;
}

/** The restore of a source and its way back into production: its server stopped, its data aside, started again; files to where they were. */
export function restoreCommands({ config, source: { name }, scenario, drill, logged }: Restoring): readonly string[] {
  const source = config.sources[name];
  if (source === undefined) return [];
  const drilled = drill?.sources.find((one) => one.source === name);
  const here = drill?.scenario === scenario && drilled ? placeOf(drilled) : undefined;
  const from = typeof here === 'string' && config.destinations[here] ? here : fromOf(config, scenario, drill);
  const back = scenario === 'operator-error' || scenario === 'ransomware';
  const hasLogs = drilled?.choice ? drilled.choice.at !== null : logged;
  const folder = { shell: `"$RECOVERED"/${shellWord(name)}` };
  const into = source.type === 'files' ? undefined : source.inPlace;
  // Of a bucket that is read as it was, the logs end by themselves before the moment: those that reach it were shipped after it.
  const isAsItWas = scenario === 'ransomware' && config.destinations[from]?.type === 's3';
  const until = back && !isAsItWas ? AT : 'end';
  const restore = (to: Shell) =>
    commandLine(
      back && !hasLogs
        ? { what: { point: POINT }, at: null, to: { shell: `"$RECOVERED"/point-${shellWord(name)}` } }
        : // Old or not, it is the newest that is left.
          { what: 'latest', at: hasLogs ? until : null, to },
    );
  // Whoever goes back looks first: what is there may be right but for a part.
  if (back) return [restore(folder)];
  if (source.type === 'files') return [restore(folder), ...source.paths.flatMap((file) => putBack(folder.shell, file))];
  if (into === undefined) return [restore(folder)];
  const data = shellWord(into.data);
  return [
    `${shellLine(into.stop)} || true`,
    `[ ! -e ${data} ] || mv ${data} ${data}.before-recovery`,
    restore({ shell: data }),
    shellLine(into.start),
  ];

  function commandLine(words: Pick<RestoreWords<Shell>, 'what' | 'at' | 'to'>): string {
    const restoring = { options: optionsOf(config, drill), source: name, from, ...words };
    const all = restoreWords<Shell>(restoring).map((word) => (typeof word === 'string' ? shellWord(word) : word.shell));
    return `mosaic-backup ${all.join(' ')}`;
  }
}

/** A word that the shell puts together, as it stands in a command. */
interface Shell {
  readonly shell: string;
}
const POINT: Shell = { shell: '"$POINT"' };
const AT: Shell = { shell: '"$AT"' };

/** Only what was backed up: a copy of the whole tree would set owner and mode of the folders above. */
function putBack(below: string, file: string): readonly string[] {
  const parent = file.replace(/\/+$/, '').replace(/\/[^/]*$/, '') || '/';
  const from = `${below}${shellWord(file)}`;
  return [`mkdir -p ${shellWord(parent)}`, `[ ! -e ${from} ] || cp -a ${from} ${shellWord(parent)}/`];
}
