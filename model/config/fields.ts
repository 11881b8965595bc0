/** Fields that several parts of a config share. A message's second line, where there is one, is the remedy. */
import { z } from 'zod';
import { isPublicKey, isRecipient } from '../keys.ts';
import { duration } from '../units.ts';

export const absolutePath = z
  .string()
  // eslint-disable-next-line no-control-regex -- a NUL ends a path in the kernel, and would cut it short unseen
  .regex(/^\/[^\u0000]*$/, 'a path starts at the root\nWrite it from the root, as in /opt/mosaic/backups.')
  // Editors see the file as it is written: a variable may stand first.
  .meta({ pattern: '^(/|\\$\\{)' });

/** Temporal takes a wait of nothing for one without end, or for a mistake that keeps the run from going on. */
export const wait = duration.refine(
  (milliseconds) => milliseconds > 0,
  'nothing is no wait\nWrite a number above zero with its unit, as in 10m.',
);

/** Steps give a sign of life each second: who allows less takes every step for dead. */
export const heartbeat = duration.refine(
  (milliseconds) => milliseconds >= 2000,
  'shorter than a sign of life takes\nWrite 2s or more, as in 30s.',
);

export const port = z.int().min(1).max(65_535);

/** An age recipient. The text is never repeated: somebody may have pasted the identity. */
export const recipient = z.string().superRefine((text, context) => {
  if (isRecipient(text)) return;
  context.addIssue({ code: 'custom', message: wrongRecipient(text), input: undefined });
});

function wrongRecipient(text: string): string {
  if (/^AGE-SECRET-KEY-/i.test(text)) {
    return 'this is an identity, which is secret, and not a recipient\nPut the recipient here (age-keygen -y prints it), and make a new identity: this one stood in a config.';
  }
  if (/^ssh-|^age1[a-z0-9]+1/.test(text)) {
    return 'not an X25519 age recipient\nSSH keys and plugins are no recipients here. age-keygen makes an identity and prints its recipient (age1…).';
  }
  const remedy =
    'A recipient begins with age1 and has 62 characters: copy it again, or print it with age-keygen -y FILE.';
  return text.startsWith('age1') ? `a recipient with a typing error\n${remedy}` : `not an age recipient\n${remedy}`;
}

/** An Ed25519 public key. The text is never repeated: somebody may have pasted the private one. */
export const publicKey = z.string().superRefine((text, context) => {
  if (isPublicKey(text)) return;
  context.addIssue({
    code: 'custom',
    message:
      'not an Ed25519 public key\nIt is the base64 of 32 bytes, 44 characters; doctor prints the one of this host.',
    input: undefined,
  });
});
