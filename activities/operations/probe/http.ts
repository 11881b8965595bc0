/** Probes by HTTP, of what `start` runs: asked inside its network, where nothing else answers. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { HttpProbe } from '../../../model/config/probe.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Service } from '../../sources/service.ts';
import { runProgram } from '../../streams/run.ts';
import { sandboxed } from './sandboxed.ts';
import { AT_ONCE, right, wrong, type ProbeContext, type Seen } from './types.ts';

/** Whatever its name is, it is 127.0.0.1 that answers. At most so many bytes are looked at. */
const ASK = `
const [url, limit] = [new URL(process.argv[1]), Number(process.argv[2])];
const lookup = (name, options, done) => options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
const say = (said) => { console.log(JSON.stringify(said)); process.exit(0); };
require('node:http').get({
  host: 'localhost', lookup, port: url.port || 80, path: url.pathname + url.search, headers: { host: url.host },
}, (answer) => {
  const chunks = []; let bytes = 0;
  const end = () => say({ status: answer.statusCode, body: Buffer.concat(chunks).toString() });
  answer.on('data', (chunk) => { chunks.push(chunk); bytes += chunk.length; if (bytes > limit) end(); }).on('end', end);
}).on('error', (error) => say({ error: error.code || error.message }));
`;
const LIMIT = 4 * 2 ** 20;

const answer = z.union([z.object({ error: z.string() }), z.object({ status: z.number(), body: z.string() })]);

/** Says that it is not there yet. */
const STARTING: ReadonlySet<number> = new Set([502, 503, 504]);
const PAUSE = 200;

/** @throws BackupError `refused` where nothing runs that could be asked. */
export async function askHttp({ http: { url, status, contains } }: HttpProbe, context: ProbeContext): Promise<Seen> {
  const { service } = context;
  if (service?.inside === undefined) throw new BackupError('refused', 'nothing was started that could answer');
  for (;;) {
    const seen = await get(url, { ...context, service });
    if (!service.running()) return wrong('what was started has ended');
    if ('status' in seen && !(STARTING.has(seen.status) && status !== seen.status)) {
      if (seen.status !== status) return wrong(`status ${seen.status}, not ${status}`);
      const lacks = contains !== undefined && !seen.body.includes(contains);
      return lacks ? wrong(`status ${status}, and what is looked for is not in it`) : right(`status ${status}`);
    }
    await wait(PAUSE, undefined, { signal: context.work.signal });
  }
}

async function get(
  url: string,
  { restored, service, work }: ProbeContext & { readonly service: Service },
): Promise<z.output<typeof answer>> {
  const command = [process.execPath, '-e', ASK, '--', url, String(LIMIT)] as const;
  const program = await sandboxed({ command, restored, service, env: {} });
  const { stdout } = await runProgram(program, { signal: work.signal, ...AT_ONCE });
  return answer.parse(JSON.parse(stdout));
}
