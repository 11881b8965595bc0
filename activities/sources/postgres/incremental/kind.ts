/** Whether the next backup can build on the newest one. */
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { SourceContext } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { withSession } from '../session.ts';
import { findParent, refusalOf } from './parents.ts';
import { basePosition } from './position.ts';
import { objection, summarizes } from './summaries.ts';

export interface Parent {
  /** Its backup_manifest in state. */
  readonly file: string;
  readonly digest: string;
}

export type Decision =
  | { readonly kind: 'incremental'; readonly parent: Parent; readonly buildable: true; readonly unexpected: null }
  | {
      readonly kind: 'full';
      /** Whether incrementals may build on this backup: its backup_manifest is kept. */
      readonly buildable: boolean;
      /** Why a full that was not due is made; null when it was. */
      readonly unexpected: string | null;
    };

/** Decides by the newest chain (full first), by what state holds, and by what the server can do. */
export async function decideKind(
  { config, state, work, readSecret }: SourceContext<PostgresSource>,
  chain: readonly Manifest[],
): Promise<Decision> {
  if (config.incrementals === 0) return { kind: 'full', buildable: false, unexpected: null };
  const connection = await backupConnection(config, readSecret);
  return withSession(connection, { application: 'mosaic-backup', signal: work.signal }, async (session) => {
    if (!(await summarizes(session))) return { kind: 'full', buildable: false, unexpected: null };
    function full(unexpected: string | null): Decision {
      return { kind: 'full', buildable: true, unexpected };
    }
    const newest = chain.at(-1);
    if (!newest || chain.length - 1 >= config.incrementals) return full(null);
    const position = basePosition.safeParse(newest.position).data;
    const digest = position?.backupManifest;
    // It was made before the server summarized its WAL.
    if (!position || digest === undefined) return full(null);
    const refusal = (await objection(session, position)) ?? (await refusalOf(state, digest));
    if (refusal !== undefined) return full(refusal);
    const file = await findParent(state, digest);
    if (file === undefined) return full(`the backup_manifest of ${newest.id} is not in ${state} any more`);
    return { kind: 'incremental', parent: { file, digest }, buildable: true, unexpected: null };
  });
}
