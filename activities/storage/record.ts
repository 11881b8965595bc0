/** Small JSON records (manifests, evidence, recovery points) from bytes that anybody may have written. */
import type { z } from 'zod';
import { BackupError } from '../../model/errors.ts';

/**
 * Parses and checks a record. What comes back is the parsed JSON itself, not the schema's copy of it: whatever a newer
 * version wrote besides is kept, to the byte of the canonical form. The schemas of records therefore transform nothing.
 * @param wrong what is to be said of it before its shape is looked at, if anything.
 * @throws BackupError `verification-failed`
 */
export function parseRecord<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
  what: string,
  wrong: (value: unknown) => string | undefined = () => undefined,
): z.output<Schema> {
  const value = parseJson(bytes, what);
  const told = wrong(value);
  if (told !== undefined) throw damaged(told);
  const checked = schema.safeParse(value);
  if (checked.success) return value as z.output<Schema>; // it passed the schema, which transforms nothing
  const [issue] = checked.error.issues;
  const at = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  throw damaged(`The ${what} is not one of ours${at}: ${issue?.message ?? 'wrong shape'}.`);
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(bytes.byteLength === 0 ? `The ${what} is empty.` : `The ${what} is not JSON.`, cause);
  }
}

function damaged(message: string, cause?: unknown): BackupError {
  return new BackupError('verification-failed', message, {
    remedy: 'Use another copy of this backup; move this one away once you know what happened to it.',
    cause,
  });
}
