import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { withAttempt } from '../../../../activities/operations/attempt.ts';
import { leaseOf, logsSource } from '../../../../activities/operations/ship-logs.ts';
import { closeSegment, type Closed } from '../../../../activities/sources/postgres/logs/close-segment.ts';
import { describeServer, type Server } from '../../../../activities/sources/postgres/logs/describe-server.ts';
import { pack } from '../../../../activities/sources/postgres/logs/pack.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { readReceived } from '../../../../activities/sources/postgres/logs/received.ts';
import { segmentAt, segmentName } from '../../../../activities/sources/postgres/logs/segments.ts';
import { backupConnection } from '../../../../activities/sources/postgres/connection.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import { prepareRepository } from '../../../../activities/storage/repository.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { SOURCE } from './backups.ts';

describe('WAL that is packed', () => {
  let server: TestPostgres;
  let test: TestSite;
  /** As pg_receivewal fills it. */
  let folder: string;
  let about: Server;
  /** The last of three segments that were closed. */
  let closed: Closed;

  before(async () => {
    server = await startPostgres({ folder: await temporaryFolder() });
    test = await makeSite({ folder: await temporaryFolder(), sources: { [SOURCE]: server.config() } });
    await prepareRepository(test.site);
    folder = await temporaryFolder();
    const connection = await backupConnection(server.source(), test.site.readSecret);
    await withSession(connection, { application: 'test', signal: testWork().signal }, async (session) => {
      about = await describeServer(session);
      for (let round = 0; round < 3; round += 1) {
        closed = await closeSegment(session, about.segmentBytes, `attempt-${round}`);
        const behind = segmentAt(closed.end, 1, about.segmentBytes);
        const name = segmentName({ ...behind, number: behind.number - 1n }, about.segmentBytes);
        await copyFile(path.join(server.data, 'pg_wal', name), path.join(folder, name));
      }
    });
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  /** Packs so many of the segments. */
  async function packed(count: number) {
    const { site } = test;
    const work = testWork();
    const source = logsSource({ site, source: SOURCE, work });
    const of = { site, source: SOURCE, config: server.source(), attempt: 1, lease: leaseOf(SOURCE), expected: null };
    const found = await readReceived(folder, about.segmentBytes);
    return withAttempt({ ...of, work }, async ({ name, writer }) =>
      pack(
        {
          ...source,
          config: server.source(),
          newest: null,
          async *sealed() {},
          attempt: name,
          artifacts: writer,
          received: folder,
          noteSlotLost: async () => undefined,
        },
        {
          segments: found.segments.slice(0, count),
          histories: found.histories,
          generation: { folder, number: 1, systemId: about.systemId },
          about,
          closed,
          tools: {},
        },
      ),
    );
  }

  it('P04 covers the time of its closing, with its restore point, only where all of it has come', async () => {
    const whole = await packed(3);
    assert.equal(whole?.coversUntil, closed.at);
    assert.equal(logsPosition.parse(whole?.position).restorePoint, closed.restorePoint);
    const part = await packed(2);
    assert.equal(part?.coversUntil, null);
    assert.equal(logsPosition.parse(part?.position).restorePoint, null);
  });
});
