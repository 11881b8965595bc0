/** The part of the stand-in for Glacier that takes uploads in parts, which moto does not: the whole becomes one archive of moto's. */
import { simpleTreeHash } from '../tree-hash.ts';
import { failure, type Answer, type Asked } from './messages.ts';

export interface Parts {
  answer(request: Asked): Promise<Answer>;
  /** Uploads to a vault that are under way. */
  count(vault: string): number;
  /** From now on the first part of each is another. */
  spoil(vault: string): void;
}

interface Upload {
  readonly vault: string;
  readonly description: string;
  readonly partSize: number;
  /** By their first byte. */
  readonly parts: Map<number, Buffer>;
}

type Store = (vault: string, body: Buffer, headers: Asked['headers']) => Promise<Answer>;

export function archivesByParts(store: Store): Parts {
  const uploads = new Map<string, Upload>();
  /** What was completed: repeated, it gives the same archive. */
  const completed = new Map<string, Answer>();
  let made = 0;

  function begin({ path, headers }: Asked): Answer {
    made += 1;
    const id = `upload-${made}`;
    const partSize = Number(headers['x-amz-part-size']);
    const description = String(headers['x-amz-archive-description']);
    uploads.set(id, { vault: path[2] ?? '', description, partSize, parts: new Map() });
    return done(201, { 'x-amz-multipart-upload-id': id });
  }
  function take({ parts, partSize }: Upload, { headers, body }: Asked): Answer {
    const [, from = '', to = ''] = /^bytes (\d+)-(\d+)\/\*$/.exec(String(headers['content-range'])) ?? [];
    const fits = Number(to) - Number(from) + 1 === body.length && Number(from) % partSize === 0;
    if (!fits || body.length > partSize) return failure(400, 'InvalidParameterValueException', 'Invalid Content-Range');
    parts.set(Number(from), body);
    return done(204, { 'x-amz-sha256-tree-hash': simpleTreeHash(body).toString('hex') });
  }
  /** Two on a page, so that a page has a next one. */
  function list({ parts, partSize }: Upload, from: number): Answer {
    const all = [...parts].toSorted(([a], [b]) => a - b).filter(([begins]) => begins >= from);
    const Parts = all.slice(0, 2).map(([begins, body]) => ({
      RangeInBytes: `${begins}-${begins + body.length - 1}`,
      SHA256TreeHash: simpleTreeHash(body).toString('hex'),
    }));
    const next = all[2]?.[0];
    const said = { PartSizeInBytes: partSize, Parts, Marker: next === undefined ? null : String(next) };
    return { ...done(200, { 'content-type': 'application/json' }), body: Buffer.from(JSON.stringify(said)) };
  }
  function of(vault: string): readonly Upload[] {
    return [...uploads.values()].filter((upload) => upload.vault === vault);
  }
  async function complete(id: string, { parts, description }: Upload, { path, headers }: Asked): Promise<Answer> {
    const whole = Buffer.concat([...parts].toSorted(([a], [b]) => a - b).map(([, body]) => body));
    const treeHash = simpleTreeHash(whole).toString('hex');
    if (headers['x-amz-archive-size'] !== String(whole.length) || headers['x-amz-sha256-tree-hash'] !== treeHash)
      return failure(400, 'InvalidParameterValueException', 'Checksum mismatch, or parts are missing');
    const { authorization, host } = headers;
    const own = { authorization, host, 'x-amz-archive-description': description };
    const answer = await store(path[2] ?? '', whole, own);
    uploads.delete(id);
    completed.set(id, answer);
    return answer;
  }

  return {
    count: (vault) => of(vault).length,
    spoil(vault) {
      for (const { parts } of of(vault)) parts.set(0, Buffer.from(parts.get(0)?.toReversed() ?? []));
    },
    async answer(request) {
      const { method, path, marker } = request;
      const id = path[4];
      if (id === undefined) return begin(request);
      const upload = uploads.get(id);
      const again = method === 'POST' ? completed.get(id) : undefined;
      if (again !== undefined) return again;
      if (upload === undefined) return failure(404, 'ResourceNotFoundException', `The upload ID was not found: ${id}`);
      if (method === 'PUT') return take(upload, request);
      if (method === 'GET') return list(upload, Number(marker ?? 0));
      if (method === 'POST') return complete(id, upload, request);
      uploads.delete(id);
      return done(204, {});
    },
  };
}

function done(status: number, headers: Answer['headers']): Answer {
  return { status, headers, body: Buffer.alloc(0) };
}
