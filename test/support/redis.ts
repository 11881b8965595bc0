/** A Redis server of a test's own, with the users of infra/roles/redis.acl, stopped by the test. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { command, configGet } from '../../activities/sources/redis/client.ts';
import { client } from '../../activities/sources/redis/connection.ts';
import { gatherInfo } from '../../activities/sources/redis/facts.ts';
import { redisUser } from '../../activities/sources/redis/server-user.ts';
import { giveTo } from '../../activities/sources/private-server/user.ts';
import { startServer, type PrivateServer } from '../../activities/sources/redis/server.ts';
import type { Info } from '../../activities/sources/redis/taken.ts';
import { runProgram } from '../../activities/streams/run.ts';
import { locate } from '../../activities/streams/locate.ts';
import { redisSource, type RedisSource } from '../../model/config/source.ts';
import { testWork } from './work.ts';
import { freePort } from './ports.ts';

/** A Redis source as it stands in a config. */
export type RedisInput = z.input<typeof redisSource>;

/** The users of infra/roles/redis.acl, by the method that each is for. */
export const USERS = { stream: 'mosaic_backup', save: 'mosaic_backup_save', aof: 'mosaic_backup_aof' } as const;
export type Method = keyof typeof USERS;

export interface RedisOptions {
  /** An existing folder that others may pass; everything is made below it. */
  readonly folder: string;
  /** Listens on a port of 127.0.0.1 as well. */
  readonly tcp?: boolean;
  /** By TLS only, then; the certificate is the server's own CA. */
  readonly tls?: boolean;
  /** By name, as in redis.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface TestRedis {
  readonly data: string;
  readonly port: number;
  /** The certificate, where it has TLS. */
  readonly certificate: string;
  readonly socket: string;
  /** The file with the password of all of the users. */
  readonly password: string;
  readonly pid: () => number;
  /** What a config says of it: with the user of the method, and the folder where it needs one. */
  config(method?: Method, options?: Partial<RedisInput>): RedisInput;
  /** The same, parsed. */
  source(method?: Method, options?: Partial<RedisInput>): RedisSource;
  /** Runs one command as the default user, who may do everything. */
  run(...words: readonly string[]): Promise<string>;
  /** Runs many, one a line of text, fast. */
  pipe(lines: readonly string[]): Promise<void>;
  info(): Promise<Info>;
  /** All of its settings. */
  settings(): Promise<Readonly<Record<string, string>>>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const ROLES = new URL('../../infra/roles/redis.acl', import.meta.url);

/** Makes a data folder and starts a server on it. */
export async function startRedis({
  folder,
  tcp = false,
  tls = false,
  settings = {},
}: RedisOptions): Promise<TestRedis> {
  const data = path.join(folder, 'data');
  const runtime = path.join(folder, 'run');
  const password = path.join(folder, 'password');
  const config = path.join(folder, 'redis.conf');
  await mkdir(data, { mode: 0o700 });
  await mkdir(runtime, { mode: 0o755 });
  const secret = `secret of ${folder}`;
  await writeFile(password, `${secret}\n`, { mode: 0o600 });
  await writeFile(config, await users(secret));
  await chmod(config, 0o644);
  const port = tcp ? await freePort() : 0;
  const certificate = path.join(folder, 'server.crt');
  if (tls) await makeCertificate(folder, certificate);
  let server: PrivateServer | undefined;

  async function start(): Promise<void> {
    server = await startServer({
      data,
      program: locate('redis-server'),
      runtime,
      config,
      settings: {
        ...(tls ? tlsSettings(folder, port) : { port: String(port) }),
        bind: '127.0.0.1',
        // Its default waits five seconds for further replicas.
        'repl-diskless-sync-delay': '0',
        'enable-debug-command': 'local',
        'enable-protected-configs': 'yes',
        ...settings,
      },
      work: testWork(),
    });
  }
  function running(): PrivateServer {
    if (!server) throw new Error('the server was not started');
    return server;
  }
  const asking = () => ({ connection: running().connection, signal: testWork().signal });

  await start();
  function source(method: Method = 'stream', options: Partial<RedisInput> = {}): RedisInput {
    const names = { dbfilename: settings['dbfilename'], appenddirname: settings['appenddirname'] };
    const known = Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
    return {
      type: 'redis',
      connection: { socket: running().socket, user: USERS[method], password: { file: password } },
      method,
      ...(method === 'stream' ? {} : { folder: data }),
      names: known,
      ...options,
    };
  }
  return {
    data,
    port,
    certificate,
    socket: running().socket,
    password,
    pid: () => running().pid,
    config: source,
    source: (method, options) => redisSource.parse(source(method, options)),
    run: (...words) => command(asking(), words),
    async pipe(lines) {
      const program = client(running().connection, ['--pipe']);
      await runProgram(program, { input: `${lines.join('\r\n')}\r\n` });
    },
    info: () => gatherInfo(asking()),
    settings: () => configGet(asking(), ['*']),
    start,
    stop: async () => running().stop(),
  };
}

/** The lines of infra/roles as they are, each with the password at its end as that file says. */
async function users(secret: string): Promise<string> {
  const hash = createHash('sha256').update(secret).digest('hex');
  const text = await readFile(ROLES, 'utf8');
  return text.replaceAll(/^user .*$/gm, (line) => `${line} #${hash}`);
}

function tlsSettings(folder: string, port: number) {
  const [certificate, key] = [path.join(folder, 'server.crt'), path.join(folder, 'server.key')];
  const files = { 'tls-cert-file': certificate, 'tls-key-file': key, 'tls-ca-cert-file': certificate };
  return { ...files, 'tls-port': String(port), 'tls-auth-clients': 'no' };
}

async function makeCertificate(folder: string, certificate: string): Promise<void> {
  const key = path.join(folder, 'server.key');
  const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await runProgram({
    command: 'openssl',
    args: ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate],
  });
  await chmod(key, 0o600);
  await giveTo(await redisUser(), key, new AbortController().signal);
}

/** Lines that set as many keys, each with a value of so many bytes that do not compress well. */
export function keys(count: number, { prefix = 'key', bytes = 16 } = {}): readonly string[] {
  return Array.from({ length: count }, (_none, index) => `SET ${prefix}:${index} ${noise(index, bytes)}`);
}

function noise(seed: number, bytes: number): string {
  let text = '';
  for (let turn = 0; text.length < bytes; turn += 1) {
    text += createHash('sha256').update(`${seed} ${turn}`).digest('base64url');
  }
  return text.slice(0, bytes);
}
