/**
 * The runbook: what is done after a disaster, step by step, as the config has it and as the last drill did it. Every command is literal, and runs
 * from top to bottom. Pure: the same facts give the same text.
 */
import { code, heading, list, table, text, type Block, type Document, type Line } from '../document/document.ts';
import type { SiteConfig } from '../config/site.ts';
import { formatDuration } from '../units.ts';
import type { DrillReport, Scenario } from './drill.ts';
import { SCENARIO_WORDS, SCENARIOS } from './drill.ts';
import { nothingLeft } from './left.ts';
import { sourcesOfDrills } from './whole.ts';
import { proofOf } from './runbook-proof.ts';
import {
  fromOf,
  identityCommands,
  optionsOf,
  placeCommands,
  CHECKOUT,
  programCommands,
  recoverySources,
  restoreCommands,
  type ProgramNeed,
} from './runbook-commands.ts';

export interface RunbookFacts {
  readonly config: SiteConfig;
  /** SHA-256 of the config file. */
  readonly configDigest: string;
  /** RFC 3339: when that file was changed last; null where nobody knows. */
  readonly configChanged: string | null;
  /** In any order. */
  readonly drills: readonly DrillReport[];
  /** Places of which not all drills on record could be read, and why. */
  readonly drillsUnread: readonly { readonly place: string; readonly problem: string }[];
  /** The config of the recovery, as YAML. */
  readonly recoveryConfig: string;
  /** What each source needs besides what every restore needs, by its newest backup; absent where it has none yet. */
  readonly needs: Readonly<Record<string, readonly ProgramNeed[]>>;
  /** Places that could not be asked for it, and why. */
  readonly unread: readonly { readonly place: string; readonly problem: string }[];
  /** Sources with continuous logs. */
  readonly logged: readonly string[];
  /** Of this program. */
  readonly version: string;
}

/** Where the recovery config is saved, below the folder of the recovery. */
export const RECOVERY_FILE = 'recovery.yaml';
const END = 'END_OF_RECOVERY_CONFIG';

/** @param scenario what has happened; the whole host is gone, where nothing is said. */
export function runbook(facts: RunbookFacts, scenario: Scenario = 'host-lost'): Document {
  const { config, drills } = facts;
  const { objectives } = config.plans.drill;
  const proof = proofOf(facts, scenario);
  const sources = recoverySources(config);
  const last = proof.last;
  const nothing = nothingLeft(config, scenario);
  return {
    title: `Recovery of the site ${config.site}: ${scenario}`,
    blocks: [
      proof.proven ? text({ strong: proof.words }) : warning(proof.words),
      ...(nothing
        ? [warning(`There is nothing to rely on: ${nothing.why}. Before it happens: ${nothing.remedy}`)]
        : []),
      text(`What has happened: ${SCENARIO_WORDS[scenario]}.`),
      ...table(
        ['', 'expected', 'objective'],
        [
          ['until everything is back (RTO)', told(last?.rto), told(objectives.rto)],
          ['data that are lost (RPO)', told(last?.rpo), told(objectives.rpo)],
        ],
      ),
      ...(last === null ? [] : [text(`Times are those of ${last.runId} (${last.scenario}).`)]),
      heading(2, 'Who to call'),
      ...orElse(list(config.plans.drill.contacts), 'Nobody is named: plans.drill.contacts in the config.'),
      heading(2, 'Where the keys are'),
      text(
        config.plans.drill.keys ?? 'Nothing is said: plans.drill.keys in the config names where the recovery kit is.',
      ),
      text(
        'The recovery kit (made by `mosaic-backup keys kit`) holds the identity, and how each place is reached. Without an identity nobody can open any backup.'.replaceAll(
          '`',
          '"',
        ),
      ),
      heading(2, 'What is needed'),
      ...needTable(facts),
      ...unknownNeeds(facts),
      ...steps(facts, scenario, last),
      heading(2, 'What is different after something else'),
      ...list(differences(config, scenario)),
      ...(drills.length === 0 ? [] : [text('Every drill stands in drills/README.md, beside this file.')]),
    ],
  };

  function steps(of: RunbookFacts, what: Scenario, drill: DrillReport | null): readonly Block[] {
    let number = 0;
    const step = (title: string, expected: number | null, ...blocks: readonly Block[]): readonly Block[] => {
      number += 1;
      const time = expected === null ? '' : ` (${formatDuration(expected)} in the drill)`;
      return [heading(2, `Step ${number}: ${title}${time}`), ...blocks];
    };
    const options = optionsOf(config, drill);
    return [
      ...step('programs', tookIn(drill, 'provision'), ...programBlocks(of)),
      ...step('the identity', null, ...identityBlocks(what)),
      ...step('the config of the recovery', null, ...configBlocks(of)),
      ...step('the places', null, ...placeBlocks(config, what, drill)),
      ...step(
        'the recovery point',
        tookIn(drill, 'choose'),
        ...pointBlocks(what, fromOf(config, what, drill), options),
      ),
      ...sources.flatMap((source) => {
        const drilled = drill?.sources.find((one) => one.source === source.name);
        const commands = restoreCommands({
          config,
          source,
          scenario: what,
          drill,
          logged: of.logged.includes(source.name),
        });
        return step(
          `restore ${source.name}`,
          drilled?.restored?.milliseconds ?? null,
          ...(source.after.length > 0 ? [text(`When ${source.after.join(', ')} is up.`)] : []),
          code('sh', commands.join('\n')),
          ...startBlocks(config, source.name),
          ...probeBlocks(drilled),
        );
      }),
      ...step(
        'afterwards',
        null,
        text(
          'Everything is back when every probe is green. Then install mosaic-backup with the site’s own config (it is a backup itself), and make a full of everything:',
        ),
        code('text', 'mosaic-backup doctor\nmosaic-backup run daily'),
      ),
    ];
  }
}

function needTable({ needs, version }: RunbookFacts): readonly Block[] {
  const common: readonly (readonly Line[])[] = [
    ['every restore', { code: 'mosaic-backup' }, version],
    ['every restore', { code: 'age' }, 'any'],
    ['every restore', { code: 'zstd' }, 'any'],
  ];
  const rows = Object.entries(needs).flatMap(([source, programs]) =>
    programs.map((one): readonly Line[] => [source, { code: one.package }, one.version ?? 'any']),
  );
  return table(['for', 'package', 'version'], [...common, ...rows]);
}

/** What the table may lack: whoever installs by it alone would learn it in the middle of the recovery. */
function unknownNeeds({ config, needs, unread }: RunbookFacts): readonly Block[] {
  const lacking = sourcesOfDrills(config).filter((source) => needs[source] === undefined);
  return [
    ...(lacking.length === 0
      ? []
      : [text(`What these need is not known, as no backup of them was found: ${lacking.join(', ')}.`)]),
    ...list(unread.map(({ place, problem }): Line => [{ strong: place }, ` could not be looked at: ${problem}`])),
  ];
}

function programBlocks(facts: RunbookFacts): readonly Block[] {
  const own = facts.config.plans.drill.provision.map(({ command }) => command);
  return [
    text('On Debian, as root. What is there already is left.'),
    text([
      `Bring a checkout of mosaic-backup ${facts.version} as `,
      { code: CHECKOUT },
      ' (or set CHECKOUT to where it is). It is in no registry: keep one with the copies.',
    ]),
    code('sh', programCommands(facts.needs, own).join('\n')),
  ];
}

function identityBlocks(scenario: Scenario): readonly Block[] {
  const which =
    scenario === 'key-lost'
      ? 'The first identity is gone: save the lines of the second one'
      : 'Save the lines of the identity from the recovery kit';
  return [
    text([which, ' as ', { code: '/root/identity.txt' }, ' (or set IDENTITY to where they are), then:']),
    code('sh', identityCommands().join('\n')),
  ];
}

function configBlocks({ recoveryConfig }: RunbookFacts): readonly Block[] {
  return [
    text('It names no secret, but where secrets are.'),
    code(
      'sh',
      `cat > ${RECOVERY_FILE} <<'${END}'\n${recoveryConfig.trimEnd()}\n${END}\nmosaic-backup -c ${RECOVERY_FILE} config check`,
    ),
  ];
}

function placeBlocks(config: SiteConfig, scenario: Scenario, drill: DrillReport | null): readonly Block[] {
  const { words, commands } = placeCommands(config, fromOf(config, scenario, drill));
  return [...list(words), ...(commands.length === 0 ? [] : [code('sh', commands.join('\n'))])];
}

function pointBlocks(scenario: Scenario, from: string, options: readonly string[]): readonly Block[] {
  const listing = ['mosaic-backup', ...options, 'list', '--destination', from, '--recovery-points'].join(' ');
  if (scenario !== 'operator-error' && scenario !== 'ransomware')
    return [text('The newest of each source is taken. See that it is what you expect:'), code('sh', listing)];
  const what = scenario === 'ransomware' ? 'the attack began' : 'the mistake was made';
  return [
    text(`Set AT to the last moment before ${what}, as in 2026-11-23T14:05:00Z:`),
    code('sh', `: "\${AT:?the last moment before ${what}}"`),
    ...(scenario === 'ransomware' ? BEFORE_ATTACK : []),
    text('Set POINT to the last recovery point before it:'),
    code('sh', `${listing}\n: "\${POINT:?the last recovery point before AT}"`),
  ];
}

/** First of all: what he put there would stand in the list, too. */
const BEFORE_ATTACK = [
  text(
    "Let each bucket be read as it was at AT. Whatever was stored later is not looked at, though the host's own key may have signed it: an attacker had that too.",
  ),
  code('sh', `sed -i "s/^\\( *\\)type: s3$/&\\n\\1before: $AT/" ${RECOVERY_FILE}\ngrep before: ${RECOVERY_FILE}`),
] as const;

function startBlocks(config: SiteConfig, name: string): readonly Block[] {
  const source = config.sources[name];
  if (source === undefined || source.type === 'files' || source.inPlace !== undefined) return [];
  return [
    text(
      'The config does not say how its server is started (inPlace.start): stop it, move its old data folder aside, put the restored one in its place, and start it.',
    ),
  ];
}

function probeBlocks(drilled: DrillReport['sources'][number] | undefined): readonly Block[] {
  if (drilled === undefined) return [text('The last drill did not recover it.')];
  const seen = drilled.probes.map(({ name, ok, detail }): Line => [
    { strong: name },
    ok ? `: ${detail}` : `: RED in the drill: ${detail}`,
  ]);
  const how = drilled.restored
    ? [text('In the drill it was restored by'), code('text', drilled.restored.command.join(' '))]
    : [];
  const ran = drilled.started?.command ? [text('and run by'), code('text', drilled.started.command.join(' '))] : [];
  return [
    ...(seen.length > 0 ? [text('It is back when these are as in the drill:'), ...list(seen)] : []),
    ...how,
    ...ran,
  ];
}

function differences(config: SiteConfig, scenario: Scenario): readonly Line[] {
  const second = fromOf(config, 'primary-storage-lost', null);
  const words: Readonly<Record<Scenario, string>> = {
    'host-lost': 'everything comes from a destination, in the newest state that is there',
    'primary-storage-lost': `everything comes from ${second}`,
    'operator-error': 'each source is restored to just before the mistake (--at), beside what is there',
    ransomware:
      'everything is restored to before the attack; a bucket is read as it was then (before, in the config of the recovery), so that nothing counts that was stored later. Change every credential first',
    'key-lost':
      'the identity of the second recipient opens everything; afterwards make a new one (mosaic-backup keys rotate)',
  };
  return SCENARIOS.filter((one) => one !== scenario).map((one): Line => [
    { strong: one },
    `: ${words[one]}. `,
    { code: `mosaic-backup runbook show --scenario ${one}` },
  ]);
}

/** Milliseconds of a step of the whole. */
function tookIn(drill: DrillReport | null, id: string): number | null {
  const step = drill?.steps.find((one) => one.id === id);
  return step?.started && step.ended ? Date.parse(step.ended) - Date.parse(step.started) : null;
}

function told(milliseconds: number | null | undefined): string {
  return milliseconds === null || milliseconds === undefined ? 'not known' : formatDuration(milliseconds);
}

function warning(line: string): Block {
  return { kind: 'warning', line };
}

function orElse(blocks: readonly Block[], otherwise: string): readonly Block[] {
  return blocks.length > 0 ? blocks : [text(otherwise)];
}
