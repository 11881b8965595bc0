/** The report of a drill as a document: for Markdown, and for the page. The same report and the same earlier ones give the same. Pure. */
import {
  code,
  heading,
  list,
  onOneLine,
  table,
  text,
  type Block,
  type Document,
  type Line,
} from '../document/document.ts';
import { wholeSeconds } from '../time.ts';
import { formatBytes, formatDuration } from '../units.ts';
import { shellLine } from '../shell.ts';
import { lossOf, type Change, type Comparison } from './compare.ts';
import { NEWEST_BY, SCENARIO_WORDS, type DrilledSource, type DrillReport } from './drill.ts';
import { placeInWords, triedOf } from './place.ts';
import { drillSummary, type DrillSummary, type Missed } from './summary.ts';
import { allSteps, timelineOf, tookOf } from './timeline.ts';
import { timelinePictures } from './timeline-svg.ts';

/** @param drills earlier ones to compare with, in any order. */
export function drillDocument(report: DrillReport, drills: readonly DrillReport[]): Document {
  const summary = drillSummary(report, drills);
  const timeline = timelineOf(report);
  return {
    title: `Drill ${report.runId}: ${report.scenario}`,
    blocks: [
      text(headline(report, summary)),
      ...facts(report),
      ...missedBlocks(summary),
      ...failureBlocks(report, summary),
      ...(timeline === null
        ? []
        : [
            heading(2, 'Timeline'),
            ...timelinePictures(timeline).map((svg): Block => ({ kind: 'figure', svg })),
            ...sourcesTable(report),
          ]),
      ...pathBlocks(report),
      ...lossBlocks(report),
      ...probeBlocks(report),
      ...isolationBlocks(report),
      ...comparedBlocks(report, summary),
      ...commandBlocks(report),
    ],
  };
}

/** `complete: back after 5m 0s, …`, as the first line of everything that tells of a drill. */
export function headline(
  report: DrillReport,
  { missed }: Pick<DrillSummary, 'missed'>,
): readonly Exclude<Line, readonly unknown[]>[] {
  const { outcome, rto, rpo, objectives } = report;
  const held = (of: 'rto' | 'rpo') => {
    const objective = objectives[of];
    if (objective === null) return '';
    const is = missed.some((one) => one.of === of && one.source === null) ? 'missed' : 'held';
    return outcome === null && is === 'held'
      ? ` (objective ${formatDuration(objective)})`
      : ` (objective ${formatDuration(objective)}: ${is})`;
  };
  const back =
    rto === null
      ? outcome === null
        ? 'not all is back yet'
        : 'not all came back'
      : `all was back after ${formatDuration(rto)}`;
  const lost = rpo === null ? 'what was lost is not known' : `${formatDuration(rpo)} of data were lost`;
  return [{ strong: outcome ?? 'running' }, `: ${back}${held('rto')}; ${lost}${held('rpo')}.`];
}

function facts(report: DrillReport): readonly Block[] {
  const { scenario, site, host, declared, ended, choice, config } = report;
  const rows: readonly (readonly Line[])[] = [
    ['what happened', SCENARIO_WORDS[scenario]],
    ['site', site],
    ['recovered on', host],
    ['declared', declared === null ? 'not yet' : seconds(declared)],
    ['the disaster', choice && choice.disaster !== declared ? seconds(choice.disaster) : ''],
    ['ended', ended === null ? '' : seconds(ended)],
    ['recovery point', choice ? (choice.point ?? 'none was left') : ''],
    ['config', config === null ? '' : { code: config.slice(0, 16) }],
    ['passed over', (choice?.passed ?? []).join('; ')],
  ];
  return table(
    ['', ' '],
    rows.filter(([, value]) => value !== ''),
  );
}

function missedBlocks({ missed }: DrillSummary): readonly Block[] {
  if (missed.length === 0) return [];
  return [
    heading(2, 'What missed its objective, and why'),
    ...missed.flatMap((one) => [text(missedLine(one)), ...list(one.why)]),
  ];
}

/** `wiki: RTO 12m, the objective is 10m`. */
export function missedLine({ of, source, actual, objective }: Missed): Line {
  const was = actual === null ? (of === 'rto' ? 'was not reached' : 'is not known') : `was ${formatDuration(actual)}`;
  return [
    { strong: `${source ?? 'The whole'}: ${of.toUpperCase()}` },
    ` ${was}, the objective is ${formatDuration(objective)}.`,
  ];
}

function failureBlocks({ choice, sources }: DrillReport, { failures }: DrillSummary): readonly Block[] {
  const lacking = choice?.lacking ?? [];
  if (failures.length + lacking.length === 0) return [];
  const tried = sources.filter(({ restored }) => restored === null);
  return [
    heading(2, 'What failed'),
    ...list([
      ...lacking.map(({ source, why }): Line => [{ strong: source }, `: not recovered: ${why}`]),
      ...failures.map(({ source, error: { step, message, remedy } }): Line => [
        { strong: source ?? 'The drill' },
        `, ${step}: ${message}${remedy === null ? '' : ` → ${remedy}`}`,
      ]),
      ...tried.flatMap((one) => triedOf(one).passed.map((why): Line => [{ strong: one.source }, `, tried: ${why}`])),
    ]),
  ];
}

const PHASES = ['fetch', 'restore', 'start', 'probe'] as const;

function sourcesTable({ sources }: DrillReport): readonly Block[] {
  const rows = sources.map((one): readonly Line[] => [
    one.source,
    one.outcome ?? 'running',
    ...PHASES.map((phase) => {
      const step = one.steps.find(({ id }) => id === `${one.source}/${phase}`);
      const took = step === undefined ? null : tookOf(step);
      return took === null ? (step?.state ?? '') : formatDuration(took);
    }),
    one.rto === null ? (one.outcome === null ? '' : 'never') : formatDuration(one.rto),
    one.objectives.rto === null ? '' : formatDuration(one.objectives.rto),
    one.restored === null ? '' : formatBytes(one.restored.bytes),
    placeInWords(one),
  ]);
  const times = [...PHASES, 'back after', 'objective', 'size'];
  return table(['source', 'outcome', ...times, 'from'], rows, times);
}

function pathBlocks(report: DrillReport): readonly Block[] {
  const { criticalPath, confirmations } = report;
  const all = new Map(allSteps(report).map((step) => [step.id, step]));
  const walked = criticalPath.map((id) => {
    const step = all.get(id);
    const took = step === undefined ? null : tookOf(step);
    return `${id}${took === null || id === 'declare' ? '' : ` (${formatDuration(took)})`}`;
  });
  return [
    ...(walked.length === 0 ? [] : [heading(2, 'Critical path'), text(walked.join(' → '))]),
    ...(confirmations.length === 0 ? [] : [heading(2, 'What waited for somebody')]),
    ...list(
      confirmations.map(({ phase, milliseconds, note }): Line => [
        { strong: phase },
        `: confirmed after ${formatDuration(milliseconds)}${note === null ? '' : `: ${note}`}`,
      ]),
    ),
  ];
}

function lossBlocks({ sources }: DrillReport): readonly Block[] {
  const rows = sources.map((one): readonly Line[] => {
    const loss = lossOf(one);
    const by = (name: (typeof NEWEST_BY)[number]) => {
      const found = one.losses.find((each) => each.by === name);
      return found === undefined ? '' : formatDuration(found.milliseconds);
    };
    return [
      one.source,
      loss === null ? 'not known' : formatDuration(loss),
      one.objectives.rpo === null ? '' : formatDuration(one.objectives.rpo),
      ...NEWEST_BY.map(by),
      one.choice === null ? '' : { code: one.choice.backup.reference },
      one.choice === null ? '' : (one.choice.at ?? 'no logs'),
    ];
  });
  const times = ['lost', 'objective', 'by canary', 'by commit', 'by backup'];
  const blocks = table(['source', ...times, 'backup', 'logs until'], rows, times);
  return blocks.length === 0 ? [] : [heading(2, 'What was lost'), ...blocks];
}

function probeBlocks({ sources }: DrillReport): readonly Block[] {
  const rows = sources.flatMap(({ source, probes }) =>
    probes.map(({ name, ok, detail, milliseconds }): readonly Line[] => [
      source,
      name,
      ok ? 'green' : { strong: 'RED' },
      detail,
      formatDuration(milliseconds),
    ]),
  );
  const blocks = table(['source', 'probe', 'result', 'seen', 'took'], rows, ['took']);
  return blocks.length === 0 ? [] : [heading(2, 'Probes'), ...blocks];
}

function isolationBlocks({ sources }: DrillReport): readonly Block[] {
  const open = sources.flatMap(({ source, started }): readonly Line[] =>
    started?.isolation === undefined ? [] : [[{ strong: source }, `: ${started.isolation}`]],
  );
  return open.length === 0 ? [] : [heading(2, 'What was not cut off from production'), ...list(open)];
}

function comparedBlocks(report: DrillReport, { sameScenario, last }: DrillSummary): readonly Block[] {
  if (report.outcome === null) return [];
  const earlier = [sameScenario, last].filter((one) => one !== null);
  const compared = earlier.length === 0 ? [text('This was the first one.')] : earlier.flatMap(comparison);
  return [heading(2, 'Compared with earlier drills'), ...compared];
}

function comparison({ runId, scenario, declared, rto, rpo, sources, added, gone }: Comparison): readonly Block[] {
  const rows = [{ source: 'the whole', rto, rpo }, ...sources].map((one): readonly Line[] =>
    [one.source].concat(timesOf(one.rto, 'never'), timesOf(one.rpo, 'not known')),
  );
  const times = ['RTO', 'RTO then', 'RTO change', 'RPO', 'RPO then', 'RPO change'];
  return [
    text(['With ', { strong: runId }, ` (${scenario}), declared ${seconds(declared)}:`]),
    ...table(['', ...times], rows, times),
    ...list([
      ...(added.length > 0 ? [`New since: ${added.join(', ')}.`] : []),
      ...(gone.length > 0 ? [`No more: ${gone.join(', ')}.`] : []),
    ]),
  ];
}

function timesOf({ now, before }: Change, none: string): readonly string[] {
  const told = [now, before].map((one) => (one === null ? none : formatDuration(one)));
  if (now === null || before === null) return [...told, ''];
  const difference = now - before;
  if (difference === 0) return [...told, 'the same'];
  return [...told, `${difference > 0 ? '+' : '−'}${formatDuration(Math.abs(difference))}`];
}

function commandBlocks({ sources }: DrillReport): readonly Block[] {
  const lines = sources.flatMap(commandsOf);
  return lines.length === 0 ? [] : [heading(2, 'Commands'), code('text', lines.join('\n'))];
}

function commandsOf({ source, restored, started }: DrilledSource): readonly string[] {
  return [
    ...(restored
      ? [
          `# ${onOneLine(source)}`,
          ...restored.passed.map((tried) => `# did not do: ${onOneLine(tried)}`),
          shellLine(restored.command),
        ]
      : []),
    ...(started?.command ? [shellLine(started.command)] : []),
  ];
}

/** To the second: what is finer tells nobody anything. */
function seconds(time: string): string {
  return wholeSeconds(Date.parse(time));
}
