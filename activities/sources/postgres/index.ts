/** The `postgres` source type: base backups of a whole cluster, full and (from version 17) incremental, and its WAL. */
import type { PostgresSource } from '../../../model/config/source.ts';
import type { SourceAdapter } from '../types.ts';
import { beat } from './canary.ts';
import { capture } from './capture.ts';
import { check } from './check.ts';
import { checkExports } from './export/check.ts';
import { withExportPlan } from './export/restore.ts';
import { inPlace } from './in-place/index.ts';
import { decideKind } from './incremental/kind.ts';
import { logs } from './logs/index.ts';
import { select } from './logs/select.ts';
import { needs } from './needs.ts';
import { preflight } from './preflight.ts';
import { withReach } from './reach.ts';
import { restore } from './restore.ts';
import { sandboxing } from './sandboxing.ts';
import { serve } from './serve.ts';

export const postgres: SourceAdapter<PostgresSource> = {
  type: 'postgres',
  preflight: (context) => withReach(context, (config) => preflight({ ...context, config })),
  nextKind: (context, chain) =>
    withReach(context, async (config) => (await decideKind({ ...context, config }, chain)).kind),
  capture: (context) => withReach(context, (config) => capture({ ...context, config })),
  restore,
  needs,
  check,
  serve,
  beat: (context) => withReach(context, (config) => beat({ ...context, config })),
  checkExports,
  withExportPlan,
  sandboxing,
  logs: {
    ...logs,
    ship: (context) => withReach(context, (config) => logs.ship({ ...context, config })),
    standing: (context) => withReach(context, (config) => logs.standing({ ...context, config })),
    orphans: (context, sources) =>
      withReach(context, async (config) => (await logs.orphans?.({ ...context, config }, sources)) ?? []),
  },
  select,
  inPlace,
};
