/** The `mariadb` source type: full and incremental by mariadb-backup, or dumps by mariadb-dump. */
import type { MariadbSource } from '../../../model/config/source.ts';
import type { SourceAdapter } from '../types.ts';
import { beat } from './canary.ts';
import { capture } from './capture.ts';
import { check } from './check.ts';
import { placeOf } from './binlogs.ts';
import { backupConnection } from './connection.ts';
import { checkExports } from './export/check.ts';
import { planExport } from './export/restore.ts';
import { gatherFacts } from './facts.ts';
import { inPlace } from './in-place/index.ts';
import { decideKind } from './kind.ts';
import { join } from './join.ts';
import { ship } from './logs.ts';
import { standing } from './standing.ts';
import { preflight } from './preflight.ts';
import { restore } from './restore.ts';
import { serve } from './serve.ts';
import { select } from './select.ts';

export const mariadb: SourceAdapter<MariadbSource> = {
  type: 'mariadb',
  preflight,
  async nextKind({ source, config, state, work, readSecret }, chain) {
    const connection = await backupConnection(config, readSecret);
    const options = { signal: work.signal };
    const facts = await gatherFacts(connection, options);
    const decision = await decideKind({ config, state, chain, facts, connection, options });
    if (decision.kind === 'full' && decision.unexpected !== null) {
      work.log.warn({ source, reason: decision.unexpected }, 'the next backup is a full though none is due');
    }
    return decision.kind;
  },
  capture,
  restore,
  check,
  serve,
  beat,
  checkExports,
  withExportPlan: async (request, use) => use(await planExport(request)),
  logs: { ship, standing, placeOf, join },
  select,
  inPlace,
};
