/** Metrics of drills: the last of each scenario, by the records in the repository. Pure. */
import { isAhead } from '../../../model/clock.ts';
import type { SiteConfig } from '../../../model/config/site.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import { lossOf } from '../../../model/drill/compare.ts';
import { isWhole } from '../../../model/drill/whole.ts';
import type { Metric, Sample } from '../../../model/metrics.ts';

/** @param drills in any order; what a wrong clock has dated into the future counts for nothing. */
export function drillMetrics(config: SiteConfig, drills: readonly DrillReport[], now: number): readonly Metric[] {
  const of = { site: config.site };
  const ended = drills
    .filter(({ outcome, declared }) => outcome !== null && declared !== null && !isAhead(declared, now))
    .toSorted((a, b) => ((a.declared ?? '') < (b.declared ?? '') ? -1 : 1));
  // The last of each counts.
  const last = [...new Map(ended.map((one) => [one.scenario, one])).values()];
  const good = [...new Map(ended.filter((one) => isWhole(one, config)).map((one) => [one.scenario, one])).values()];
  const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
    name,
    help,
    type: 'gauge',
    samples,
  });
  const times = (
    value: (one: DrillReport['sources'][number]) => number | null,
    whole: (one: DrillReport) => number | null,
  ) =>
    last.flatMap((report) =>
      [
        { source: '', time: whole(report) },
        ...report.sources.map((one) => ({ source: one.source, time: value(one) })),
      ].flatMap(({ source, time }): readonly Sample[] =>
        time === null ? [] : [{ labels: { ...of, scenario: report.scenario, source }, value: time / 1000 }],
      ),
    );
  return [
    gauge(
      'backup_drill_last_success_timestamp',
      'When the last drill of a scenario that brought everything back, of all that the config has, was declared, in seconds since the epoch.',
      good.map(({ scenario, declared }) => ({ labels: { ...of, scenario }, value: Date.parse(declared ?? '') / 1000 })),
    ),
    gauge(
      'backup_drill_rto_seconds',
      'In the last drill of a scenario, from the declaration until every probe was green; of the whole where source is empty. Absent where that never was.',
      times(
        ({ rto }) => rto,
        ({ rto }) => rto,
      ),
    ),
    gauge(
      'backup_drill_rpo_seconds',
      'In the last drill of a scenario, how much data in time was lost; of the whole where source is empty. Absent where nothing is known.',
      times(lossOf, ({ rpo }) => rpo),
    ),
  ];
}
