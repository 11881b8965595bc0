/** Replies of a Redis server, as they come over its socket (RESP 2). */
import { BackupError } from '../../../model/errors.ts';

export interface Reply {
  /** `error`: the server refused, and the line is its word. */
  readonly kind: 'answer' | 'error';
  /** A line a value; an empty one for no value, and for a list without any. */
  readonly lines: readonly string[];
  /** Bytes that it takes. */
  readonly end: number;
}

/** The first reply in what was received; undefined while it is not whole. */
export function parseReply(received: Buffer, at = 0): Reply | undefined {
  const end = received.indexOf('\r\n', at);
  if (end === -1) return undefined;
  const type = received.toString('latin1', at, at + 1);
  const word = received.toString('utf8', at + 1, end);
  const next = end + 2;
  switch (type) {
    case '+':
    case ':':
      return { kind: 'answer', lines: [word], end: next };
    case '-':
      return { kind: 'error', lines: [word], end: next };
    case '$':
      return bulk(received, Number(word), next);
    case '*':
      return list(received, Number(word), next);
    default:
      throw new BackupError('failed', `Redis answers in a way that is not known here: it begins with "${type}"`);
  }
}

/** So many bytes, and a line break; -1 for no value. */
function bulk(received: Buffer, bytes: number, at: number): Reply | undefined {
  if (bytes < 0) return { kind: 'answer', lines: [''], end: at };
  const end = at + bytes + 2;
  if (received.length < end) return undefined;
  return { kind: 'answer', lines: [received.toString('utf8', at, at + bytes)], end };
}

function list(received: Buffer, count: number, at: number): Reply | undefined {
  if (count <= 0) return { kind: 'answer', lines: [''], end: at };
  const lines: string[] = [];
  let end = at;
  for (let index = 0; index < count; index += 1) {
    const reply = parseReply(received, end);
    if (!reply) return undefined;
    lines.push(...reply.lines);
    ({ end } = reply);
  }
  return { kind: 'answer', lines, end };
}
