/** The capture of a whole server, by the method of the config, and its inventory. */
import path from 'node:path';
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { programVersion } from '../../streams/versions.ts';
import type { Captured, CaptureContext } from '../types.ts';
import { takeAof } from './aof.ts';
import { backupConnection, client } from './connection.ts';
import { gatherFacts, gatherInfo, namesOf, type Facts } from './facts.ts';
import { inventoryOf, writeInventory } from './inventory.ts';
import type { Method, Position } from './position.ts';
import { takeSave } from './save.ts';
import { takeStream } from './stream.ts';
import type { Taken, Taking } from './taken.ts';

const TAKE: Readonly<Record<Method, (taking: Taking) => Promise<Taken>>> = {
  stream: takeStream,
  save: takeSave,
  aof: takeAof,
};

/**
 * Nothing of the server is changed by any method, so there is nothing to release when this is killed: no setting, no
 * link, no slot. A save or a transfer that the server has begun ends by itself.
 */
export async function capture(context: CaptureContext<RedisSource>): Promise<Captured> {
  const { config, work, readSecret, source, artifacts } = context;
  const asking = { connection: await backupConnection(config, readSecret), signal: work.signal };
  const facts = await gatherFacts(asking);
  const names = namesOf(config, facts.settings);
  const { counted, window, position } = await TAKE[config.method]({ context, asking, facts, names });
  requireSame(facts, await gatherInfo(asking));
  await writeInventory(artifacts, source, inventoryOf(counted, facts.settings, window));
  const { command } = client(asking.connection, []);
  return {
    consistency: 'crash',
    engine: describeEngine(facts),
    position: {
      ...position,
      method: config.method,
      runId: facts.runId,
      replicationId: facts.replication.id,
      offset: facts.replication.offset,
      appendonly: facts.persistence.aof,
      names,
    } satisfies Position,
    tools: { [path.basename(command)]: await programVersion(command) },
    warnings: [],
  };
}

/** The server's make, for the manifest: what a restore must be compatible with. */
function describeEngine({ product, version, platform, modules, role, memory }: Facts): Captured['engine'] {
  return { product, version, platform, modules, role, memoryBytes: memory, image: null };
}

/** A failover or a restart behind a name while the backup ran: what was counted is not what was read. */
function requireSame(before: Facts, after: Pick<Facts, 'runId'>): void {
  if (before.runId === after.runId) return;
  throw new BackupError('failed', 'Another server, or another run of it, answered at the end of the backup.', {
    remedy: 'It is tried again. Let the connection name one server, not whichever is the master.',
    facts: { before: before.runId, after: after.runId },
  });
}
