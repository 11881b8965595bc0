/**
 * Stands before moto's vaults in the tests, since nobody can have the real service: it has what moto lacks of it. It refuses
 * what does not fit its digests, takes uploads in parts (and gives moto the whole as one archive), answers ranges, asks for
 * rights, and can do what goes wrong in life: damage an archive, keep a job waiting, lose an answer.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { Glacier } from '@aws-sdk/client-glacier';
import { archivesByParts } from './parts.ts';
import { failure, type Answer, type Asked } from './messages.ts';
import { simpleTreeHash } from '../tree-hash.ts';

export interface Vaults {
  readonly endpoint: string;
  /** `127.0.0.1:<port>`, for a proxy. */
  readonly address: string;
  /** The endpoint of moto itself. */
  readonly moto: string;
  /** Makes a vault, and returns its name. */
  makeVault(): Promise<string>;
  /** Archives in a vault. */
  count(vault: string): Promise<number>;
  /** Deletes an archive, as somebody does who may. */
  remove(vault: string, archiveId: string): Promise<void>;
  /** Uploads to a vault in parts that are under way. */
  uploads(vault: string): number;
  /** The first part of each of those is another from now on. */
  spoilParts(vault: string): void;
  /** From now on one byte of what a job brings of this archive is another. */
  damage(archiveId: string): void;
  /** Jobs stay in progress until `release`. */
  hold(): void;
  release(): void;
  /** Only these rights are given, as a policy names them; undefined: all. By the name of who asks, or for everybody. */
  allow(rights: readonly string[] | undefined, who?: string): void;
  /** The next request that needs this right is done, and its answer never comes; resolves when it was done. */
  loseAnswer(right: string): Promise<void>;
  /** The answer to the next request that needs this right names another tree hash. */
  misname(right: string): void;
  /** Does something right before the next request that needs this right. */
  before(right: string, act: () => Promise<void>): void;
  /** In milliseconds, from now on: how much its clock is behind ours, and how long ago jobs are done. */
  setTimes(times: { readonly behind?: number; readonly done?: number }): void;
  /** What was asked for so far. */
  asked(): readonly { readonly archiveId: string; readonly tier: string }[];
  close(): Promise<void>;
}

/** @param moto its endpoint. */
export async function startVaults(moto: string): Promise<Vaults> {
  const damaged = new Set<string>();
  const rights = new Map<string, ReadonlySet<string>>();
  const asked: { archiveId: string; tier: string }[] = [];
  const losing = new Map<string, () => void>();
  const misnamed = new Set<string>();
  const parameters = new Map<string, JobParameters>();
  const acts = new Map<string, () => Promise<void>>();
  let held = false;
  let behind = 0;
  let ago = 0;
  let made = 0;
  const parts = archivesByParts((vault, body, headers) => upload(vault, body, headers));

  async function upload(vault: string, body: Buffer, headers: Asked['headers']): Promise<Answer> {
    return forward(moto, { method: 'POST', path: ['-', 'vaults', vault, 'archives'], headers, body });
  }
  async function answer(request: Asked): Promise<Answer> {
    const { path, headers, body } = request;
    const right = rightOf(request);
    const act = acts.get(right);
    acts.delete(right);
    await act?.();
    const allowed = rights.get(whoAsks(headers)) ?? rights.get('');
    if (allowed !== undefined && !allowed.has(right)) return failure(403, 'AccessDeniedException', 'not allowed');
    const wrong = wrongDigest(request);
    if (wrong !== undefined) return failure(400, 'InvalidParameterValueException', wrong);
    if (path[3] === 'multipart-uploads') return parts.answer(request);
    if (right === 'glacier:InitiateJob') {
      const { ArchiveId = '', Tier = '' } = JSON.parse(String(body)) as { ArchiveId?: string; Tier?: string }; // of the SDK
      asked.push({ archiveId: ArchiveId, tier: Tier });
    }
    const given = await forward(moto, request);
    if (right === 'glacier:InitiateJob') noteParameters(given, body);
    if (right === 'glacier:GetJobOutput') return output(request, given);
    if (right !== 'glacier:DescribeJob' && right !== 'glacier:ListJobs') return given;
    const ranged = withJobs(given, (job) => ({ ...job, ...parameters.get(job.JobId) }));
    return held ? withJobs(ranged, waiting) : withJobs(ranged, (job) => doneBefore(job, behind + ago));
  }
  function noteParameters({ headers }: Answer, body: Buffer): void {
    const { RetrievalByteRange, InventoryRetrievalParameters, Format } = JSON.parse(String(body)) as JobParameters; // of the SDK
    const unset = { StartDate: null, EndDate: null, Limit: null, Marker: null };
    const inventory = { ...unset, Format, ...InventoryRetrievalParameters };
    parameters.set(String(headers['x-amz-job-id']), {
      RetrievalByteRange,
      InventoryRetrievalParameters: inventory,
    });
  }
  async function output(request: Asked, given: Answer): Promise<Answer> {
    if (ago >= 24 * 3_600_000) return failure(404, 'ResourceNotFoundException', 'The job ID was not found');
    if (held) return failure(400, 'InvalidParameterValueException', 'The job is not currently available for download');
    const job = await forward(moto, { ...request, path: request.path.slice(0, -1), body: Buffer.alloc(0) });
    const { ArchiveId = '', JobId } = JSON.parse(String(job.body)) as Job & { ArchiveId?: string }; // of moto
    const [from, to] = (parameters.get(JobId)?.RetrievalByteRange ?? `0-${given.body.length}`).split('-').map(Number);
    const whole = given.body.subarray(from, (to ?? 0) + 1);
    const body = damaged.has(ArchiveId) ? flipped(whole) : whole;
    return partOf({ ...given, body }, request.headers.range);
  }

  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const request = await readRequest(incoming);
      if (request === undefined) return;
      const right = rightOf(request);
      const done = await answer(request);
      const now = { date: new Date(Date.now() - behind).toUTCString() };
      const answered = { ...done, headers: { ...done.headers, ...now } };
      const given = misnamed.delete(right) ? otherHash(answered) : answered;
      const lost = losing.get(right);
      if (lost === undefined) return give(outgoing, given);
      losing.delete(right);
      lost();
    })().catch((error: unknown) => give(outgoing, failure(500, 'ServiceUnavailableException', String(error))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it listens on a port');
  const endpoint = `http://127.0.0.1:${address.port}`;
  const admin = new Glacier({ endpoint, region: 'us-east-1', credentials: ANYBODY });

  return {
    endpoint,
    address: `127.0.0.1:${address.port}`,
    moto,
    async makeVault() {
      made += 1;
      const vaultName = `vault-${process.pid}-${made}`;
      await admin.createVault({ accountId: '-', vaultName });
      return vaultName;
    },
    async count(vaultName) {
      return (await admin.describeVault({ accountId: '-', vaultName })).NumberOfArchives ?? 0;
    },
    async remove(vaultName, archiveId) {
      await admin.deleteArchive({ accountId: '-', vaultName, archiveId });
    },
    uploads: (vault) => parts.count(vault),
    spoilParts: (vault) => parts.spoil(vault),
    damage: (archiveId) => void damaged.add(archiveId),
    hold: () => void (held = true),
    release: () => void (held = false),
    allow(given, who = '') {
      if (given === undefined) rights.delete(who);
      else rights.set(who, new Set(given));
    },
    loseAnswer: (right) => new Promise((resolve) => losing.set(right, resolve)),
    misname: (right) => void misnamed.add(right),
    before: (right, act) => void acts.set(right, act),
    setTimes: (times) => void ([behind, ago] = [times.behind ?? 0, times.done ?? 0]),
    asked: () => asked,
    async close() {
      admin.destroy();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What moto is told; the stand-in asks for rights by the name, and nobody checks the secret. */
export const ANYBODY = { accessKeyId: 'testing', secretAccessKey: 'testing' };

function whoAsks({ authorization = '' }: Asked['headers']): string {
  return /Credential=([^/]+)\//.exec(authorization)?.[1] ?? '';
}

/** Undefined when the other side went away in the middle: then nothing is stored. */
async function readRequest(incoming: IncomingMessage): Promise<Asked | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer); // a request has no encoding set
  } catch {
    return undefined;
  }
  const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://stand-in');
  const { method = '', headers } = incoming;
  const path = pathname.split('/').slice(1);
  return { method, path, marker: searchParams.get('marker'), headers, body: Buffer.concat(chunks) };
}

function give(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  const { 'content-length': _length, 'transfer-encoding': _encoding, connection: _connection, ...rest } = headers;
  const known = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  outgoing.writeHead(status, { ...Object.fromEntries(known), 'content-length': body.length });
  outgoing.end(body);
}

/** The right that a request needs, as a policy names it. */
function rightOf({ method, path }: Asked): string {
  const [, , , what, id, output] = path;
  const which = `${method} ${what ?? ''}${id === undefined ? '' : '/ID'}${output === undefined ? '' : '/output'}`;
  return `glacier:${RIGHTS[which] ?? which}`;
}

const RIGHTS: Readonly<Record<string, string>> = {
  'GET ': 'DescribeVault',
  'PUT ': 'CreateVault',
  'POST archives': 'UploadArchive',
  'DELETE archives/ID': 'DeleteArchive',
  'POST jobs': 'InitiateJob',
  'GET jobs': 'ListJobs',
  'GET jobs/ID': 'DescribeJob',
  'GET jobs/ID/output': 'GetJobOutput',
  'POST multipart-uploads': 'InitiateMultipartUpload',
  'PUT multipart-uploads/ID': 'UploadMultipartPart',
  'GET multipart-uploads/ID': 'ListParts',
  'POST multipart-uploads/ID': 'CompleteMultipartUpload',
  'DELETE multipart-uploads/ID': 'AbortMultipartUpload',
};

/** The service refuses what does not fit the digests in its head. */
function wrongDigest(request: Asked): string | undefined {
  const { headers, body } = request;
  if (!['glacier:UploadArchive', 'glacier:UploadMultipartPart'].includes(rightOf(request))) return undefined;
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (headers['x-amz-content-sha256'] !== sha256) return 'Checksum mismatch: x-amz-content-sha256';
  if (body.length === 0) return 'Invalid Content-Length: 0';
  const treeHash = simpleTreeHash(body).toString('hex');
  return headers['x-amz-sha256-tree-hash'] === treeHash ? undefined : 'Checksum mismatch: x-amz-sha256-tree-hash';
}

/** What tells a job from one for the whole, which moto does not keep. */
interface JobParameters {
  readonly RetrievalByteRange?: string | undefined;
  readonly InventoryRetrievalParameters?: object | undefined;
  readonly Format?: string | undefined;
}

/** What moto says of a job, as far as it is changed. */
interface Job {
  readonly JobId: string;
  readonly CompletionDate?: string;
}

function withJobs({ status, headers, body }: Answer, change: (job: Job) => object): Answer {
  if (status >= 400) return { status, headers, body };
  const said = JSON.parse(String(body)) as Job & { JobList?: Job[] }; // of moto
  const now = said.JobList ? { ...said, JobList: said.JobList.map(change) } : change(said);
  return { status, headers, body: Buffer.from(JSON.stringify(now)) };
}

function waiting(job: Job): object {
  return { ...job, Completed: false, CompletionDate: undefined, StatusCode: 'InProgress' };
}

function doneBefore(job: Job, milliseconds: number): object {
  const done = Date.parse(job.CompletionDate ?? '');
  return Number.isNaN(done) ? job : { ...job, CompletionDate: new Date(done - milliseconds).toISOString() };
}

function otherHash(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, 'x-amz-sha256-tree-hash': '0'.repeat(64) } };
}

function flipped(body: Buffer): Buffer {
  const other = Buffer.from(body);
  other.writeUInt8(other.readUInt8(other.length >> 1) ^ 1, other.length >> 1);
  return other;
}

function partOf(whole: Answer, range: string | undefined): Answer {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (from === undefined || to === undefined) return whole;
  const body = whole.body.subarray(Number(from), Number(to) + 1);
  const headers = { ...whole.headers, 'content-range': `bytes ${from}-${to}/${whole.body.length}` };
  return { status: 206, headers, body };
}

/** The request as it came, to moto. */
async function forward(moto: string, { method, path, headers, body }: Asked): Promise<Answer> {
  const sent = request(new URL(`/${path.join('/')}`, moto), {
    method,
    headers: { ...headers, connection: 'close', 'content-length': body.length },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer); // an answer has no encoding set
  return { status: response.statusCode ?? 500, headers: response.headers, body: Buffer.concat(chunks) };
}
