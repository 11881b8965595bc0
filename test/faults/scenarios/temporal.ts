/** Temporal dies, with or without the worker, or loses its data. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { loseData } from '../../support/temporal-process.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireListed, requireNoProcess, requireSound, requireTidy } from '../sound.ts';
import { SLOW, slowly, underWay, type SourceName } from '../trial.ts';
import { ownTemporal } from '../../support/ports.ts';

export const temporal: readonly Scenario[] = [
  killed('stack', { away: 0, everyTime: true }),
  killed('db', { away: 4000 }),
  {
    kind: 'Temporal killed',
    title: 'and the worker at once, in the middle of a capture (stack)',
    sources: ['stack'],
    alone: 'all',
    async play(trial) {
      const server = trial.lab.temporal;
      await slowly(trial, 'stack', SLOW.stack);
      const worker = await trial.worker();
      const run = await trial.run();
      await underWay(trial, 'stack');
      worker.kill('SIGKILL');
      await server.kill();
      await slowly(trial, 'stack', undefined);
      await server.start();
      await trial.worker();
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'went on by itself';
    },
  },
  {
    kind: "Temporal's data lost",
    title: 'P49 the same plan and time again finds everything (stack)',
    sources: ['stack'],
    alone: 'all',
    async play(trial) {
      const server = trial.lab.temporal;
      const worker = await trial.worker();
      requireComplete(await (await trial.run()).report());
      await worker.end();
      await server.kill();
      await loseData(server);
      await server.start();
      await trial.worker();
      const again = await (await trial.run()).report();
      requireComplete(again);
      assert.ok(again.sources.every(({ captured }) => captured?.existed));
      await requireSound(trial, 1);
      return 'nothing done twice';
    },
  },
  {
    kind: "Temporal's data lost",
    title:
      'P49 in the middle of a copy: the same plan and time again does what is missing, under a living worker (stack)',
    sources: ['stack'],
    alone: 'all',
    async play(trial) {
      const server = trial.lab.temporal;
      const point = { at: 'activities/storage/manifest-file.ts#encodeManifest', signal: 'SIGSTOP' } as const;
      const worker = await trial.worker(point);
      await trial.run();
      await trial.at(worker, point);
      await server.kill();
      await loseData(server);
      await server.start();
      worker.kill('SIGCONT');
      const { code, output } = await trial.command('run', 'daily', '--at', trial.time(0));
      assert.equal(code, 0, output);
      await requireSound(trial, 1);
      return 'did what was missing';
    },
  },
  {
    kind: 'up killed',
    title: 'in the middle of a capture: the next `up` carries on (stack)',
    sources: ['stack'],
    site: embedded,
    async play(trial) {
      await slowly(trial, 'stack', SLOW.stack);
      const up = trial.start('up');
      await up.printed('is up on');
      const started = await trial.command('run', 'daily', '--at', trial.time(0), '--detach');
      assert.equal(started.code, 0, started.output);
      await underWay(trial, 'stack');
      up.kill('SIGKILL');
      await up.ended;
      await slowly(trial, 'stack', undefined);
      await trial.start('up').printed('is up on');
      const { code, output } = await trial.command('run', 'daily', '--at', trial.time(0));
      assert.equal(code, 0, output);
      await requireListed(trial, 1);
      await requireTidy(trial);
      await requireNoProcess(trial);
      return 'went on by itself';
    },
  },
  embeddedDataLost('are lost', (folder) => rm(folder, { recursive: true })),
  embeddedDataLost('are damaged', async (folder) => {
    await writeFile(path.join(folder, 'temporal.db'), 'no database '.repeat(1000));
    await rm(path.join(folder, 'temporal.db-wal'), { force: true });
  }),
];

function killed(
  source: SourceName,
  { away, everyTime }: { readonly away: number; readonly everyTime?: boolean },
): Scenario {
  return {
    kind: 'Temporal killed',
    title: `in the middle of a capture, away for ${away / 1000} s (${source})`,
    sources: [source],
    alone: 'all',
    everyTime: everyTime === true,
    async play(trial) {
      const server = trial.lab.temporal;
      await slowly(trial, source, SLOW[source]);
      await trial.worker();
      const run = await trial.run();
      await underWay(trial, source);
      await server.kill();
      await slowly(trial, source, undefined);
      await pause(away);
      await server.start();
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'went on by itself';
    },
  };
}

function embeddedDataLost(how: string, lose: (folder: string) => Promise<void>): Scenario {
  return {
    kind: "Temporal's data lost",
    title: `P49 those of the embedded server ${how} (stack)`,
    sources: ['stack'],
    site: embedded,
    async play(trial) {
      const first = await trial.command('run', 'daily', '--at', trial.time(0));
      assert.equal(first.code, 0, first.output);
      await lose(path.join(trial.state, 'temporal'));
      const second = await trial.command('run', 'daily', '--at', trial.time(0), '--json');
      assert.equal(
        second.code,
        0,
        second.output + (await readFile(path.join(trial.state, 'temporal/server.log'), 'utf8').catch(String)),
      );
      assert.match(second.stdout, /"existed": true/);
      await requireListed(trial, 1);
      await requireTidy(trial);
      await requireNoProcess(trial);
      return 'nothing done twice';
    },
  };
}

async function embedded() {
  return { temporal: await ownTemporal() };
}
