/** What every type with a server must do with what was restored, against a real one: its test file calls `describeServing` with a fixture. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Question, Service } from '../../../activities/sources/service.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { processesNaming, processesOf } from '../../support/processes.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { networkOf } from '../../support/sockets.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';
import { startCommand } from '../../support/worker-process.ts';
import { captureNow, failuresOf, restoreNewest, serveRestored } from './served.ts';

type Ask = (question: Question) => Promise<string>;

export interface ServedSource {
  readonly config: SiteInput['sources'][string];
  /** Ends production. */
  end(): Promise<void>;
}

export interface ServingFixture {
  readonly type: string;
  /** The server's program: `postgres`. */
  readonly program: string;
  /** A real source, with its data. */
  readonly make: (folder: string) => Promise<ServedSource>;
  /** Questions, and what is to be printed. */
  readonly answers: readonly (readonly [question: Question, printed: string])[];
  /** Questions that fail, and the engine's word. */
  readonly refusals: readonly (readonly [question: Question, word: RegExp])[];
  /** Questions, of a line each, by which something is written; what asks for it. */
  readonly write: readonly string[];
  readonly written: readonly [text: string, printed: string];
  /** Lets the server itself open a TCP connection, and fails unless it could not. */
  readonly reachOut: (ask: Ask, port: number) => Promise<void>;
  /** Makes a server, whose arguments name a folder, leave as slowly as one can whose worker was killed. */
  readonly delay?: (folder: string) => Promise<void>;
  /** Fails unless nothing of ours is left in a folder that was served and has been stopped. */
  readonly isPutBack?: (restored: string) => Promise<void>;
  /** Asks with a program of the user's, who knows `env` alone: what it printed. */
  readonly byEnv: (env: Service['env']) => Promise<string>;
  /** What is typed behind the client that `restore --serve` names, and what it prints. Absent: a test of its own has it. */
  readonly typed?: readonly [args: string, printed: string];
}

const CHILD = fileURLToPath(new URL('serve-in-child.ts', import.meta.url));

export function describeServing(fixture: ServingFixture): void {
  const { type, program, make, answers, refusals, write, written, reachOut, byEnv } = fixture;
  const { delay, isPutBack, typed } = fixture;

  describe(`what was restored of ${type}, served`, () => {
    let folder: string;
    let test: TestSite;
    let restored: string;
    let service: Service;
    /** Of the service. */
    let scratch: string;
    let scratches = 0;
    const ask: Ask = (question) => service.ask(question, testWork());
    const next = () => path.join(folder, `scratch-${scratches++}`);

    async function serveAgain(): Promise<void> {
      scratch = next();
      service = await serveRestored(test.site, restored, scratch);
    }

    before(async () => {
      folder = await temporaryFolder();
      const own = path.join(folder, 'production');
      await mkdir(own, { mode: 0o755 });
      const production = await make(own);
      try {
        test = await makeSite({ folder, sources: { subject: production.config } });
        await captureNow(test.site, '2026-03-01T02:00:00Z');
      } finally {
        await production.end();
      }
      restored = path.join(folder, 'restored');
      await restoreNewest(test.site, restored);
      assert.deepEqual(await failuresOf(test.site, restored, next()), []);
      await serveAgain();
    });
    after(async () => {
      await service?.stop();
      await cleanUp();
    });

    function server() {
      const found = processesNaming(scratch).find(({ name }) => name === program);
      assert.ok(found, 'it runs');
      return found;
    }

    it('answers as the client of its engine prints, also behind a check that has started and stopped it', async () => {
      for (const [question, printed] of answers) assert.equal(await ask(question), printed, question.text);
    });

    it('tells what it refuses in the word of its engine, and goes on', async () => {
      for (const [question, word] of refusals) {
        const { message, retryable } = await isBackupError(ask(question), 'program-failed');
        assert.match(message, word, question.text);
        assert.equal(retryable, false);
      }
      assert.equal(service.running(), true);
    });

    it('changes nothing for a question that is to change nothing', async () => {
      const [text, printed] = written;
      // One that writes rows: settings PostgreSQL would change all the same.
      const [line = ''] = write;
      await isBackupError(service.ask({ text: line, readOnly: true }, testWork()), 'program-failed');
      const after = await ask({ text }).catch(() => 'nothing');
      assert.notEqual(after, printed);
      const [question, answer] = answers[0] ?? assert.fail('no question');
      assert.equal(await service.ask({ ...question, readOnly: true }, testWork()), answer);
    });

    it('has no question in the arguments of any process, and tells the command by which it runs', async () => {
      const [question, printed] = answers[0] ?? assert.fail('no question');
      const secret = 'whatever-nobody-else-may-see';
      let seen = false;
      const asking = ask({ ...question, text: `${question.text}\n` }).then((answer) => assert.equal(answer, printed));
      await Promise.all([asking, ask({ text: secret }).catch(() => undefined), look()]);
      async function look(): Promise<void> {
        seen ||= processesNaming(secret).some(({ args }) => args.join(' ').includes(secret));
      }
      assert.equal(seen, false);
      const ran = service.command.join(' ');
      assert.match(ran, new RegExp(`/setpriv .* -- \\S*${program} .*${restored}`));
    });

    it('lets in a program of the user’s that knows its environment alone', async () => {
      assert.equal(await byEnv(service.env), answers[0]?.[1]);
    });

    it('is unprivileged, listens on no network, and reaches nothing: not even what listens on its own machine', async () => {
      const { pid } = server();
      assert.deepEqual(await networkOf(pid), []);
      if (process.getuid?.() === 0) assert.doesNotMatch(await readFile(`/proc/${pid}/status`, 'utf8'), /^Uid:\t0\t/m);
      let reached = 0;
      const listener = await listening(() => (reached += 1));
      try {
        await reachOut(ask, portOf(listener));
        assert.equal(reached, 0);
      } finally {
        listener.close();
      }
    });

    if (typed)
      it('is served by the command, reached by what that prints, and ended by ^C: then nothing runs, and only what was restored is left', async () => {
        const [args, printed] = typed;
        // Another user passes through, and sees nothing else.
        const within = path.join(folder, 'by-command');
        await mkdir(within, { mode: 0o755 });
        const to = path.join(within, 'restored');
        const asked = ['-c', test.file, 'restore', 'latest', '--source', 'subject', '--to', to, '--serve'];
        const serving = startCommand({ args: asked, owner: within });
        await serving.printed('in another shell');
        const running = processesNaming(to).find(({ name }) => name === program);
        assert.ok(running, serving.output());
        assert.match(serving.stdout(), new RegExp(`^served by: .*${program} .*${to}`, 'm'));
        assert.deepEqual(await networkOf(running.pid), []);
        const words = serving
          .stdout()
          .split(/in another shell.*\n/)[1]
          ?.trimEnd();
        const { stdout } = await runProgram({ command: 'sh', args: ['-eu', '-c', `${words} ${args}`] });
        assert.equal(stdout, printed);
        serving.kill('SIGINT');
        assert.deepEqual(await serving.ended, { code: 0, signal: null });
        assert.deepEqual([processesNaming(to), processesOf(within)], [[], []]);
        assert.deepEqual(await readdir(within), ['restored']);
        await isPutBack?.(to);
      });

    it('is served again behind a worker that was killed by SIGKILL, with what had been written', async () => {
      const newest = await service.newest(testWork());
      await service.stop();
      await service.stop();
      assert.equal(service.running(), false);
      assert.deepEqual(processesNaming(scratch), []);
      const first = next();
      const child = spawn(process.execPath, [CHILD, test.file, restored, first], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, 'serves');
      for (const text of write) {
        child.stdin.write(`${text}\n`);
        await lines.next();
      }
      await delay?.(first);
      child.kill('SIGKILL');
      await exited;
      // At once: the one before may not have gone yet.
      await serveAgain();
      assert.equal(await ask({ text: written[0] }), written[1]);
      assert.deepEqual(await service.newest(testWork()), newest, 'none of it was production’s');
      await until('the first is gone', () => processesNaming(first).length === 0);
      const [question, printed] = answers[0] ?? assert.fail('no question');
      assert.equal(await ask(question), printed);
      await service.stop();
      await isPutBack?.(restored);
    });
  });
}

async function listening(onConnection: () => void): Promise<Server> {
  const listener = createServer((socket) => {
    onConnection();
    socket.destroy();
  });
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
  return listener;
}

function portOf(listener: Server): number {
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
