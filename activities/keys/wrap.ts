/** What a wrapped identity of a backup tells to somebody with an identity at hand: for whom it is, and for whom it is not. */
import { Decrypter } from 'age-encryption';
import { damagedKey, decodeArmor, notOpened } from './wrap-errors.ts';
import { openStanza, sameStanza, stanzaFor, type Stanza } from './stanzas.ts';

/** An identity that is at hand, with its recipient. */
export interface Holder {
  /** Secret. */
  readonly identity: string;
  readonly recipient: string;
}

/** A wrap that was opened. */
export interface OpenedWrap {
  /** Secret: the backup's own identity. */
  readonly identity: string;
  /** Recipients for whom it was shown to open: by their identity, or by making their stanza again. */
  readonly opens: readonly string[];
  /** Recipients that were asked for, and of whom nothing shows that it opens for them. */
  readonly unshown: readonly string[];
  /** Stanzas that belong to none of those that were asked for. */
  readonly others: number;
}

/**
 * Opens a wrapped identity, and looks for the stanza of each recipient.
 * @param holders at least one of whom it must open for.
 * @param recipients whom to look for. A holder who is none of them, and for whom it opens, counts among the others.
 * @throws BackupError `missing-identity` where none opens it, `verification-failed` where it is damaged.
 */
export async function openWrap(
  armored: string,
  holders: readonly Holder[],
  recipients: readonly string[],
): Promise<OpenedWrap> {
  const header = { stanzas: [] as readonly Stanza[], fileKey: undefined as Uint8Array | undefined };
  const decrypter = new Decrypter();
  decrypter.addIdentity({
    unwrapFileKey(stanzas: Stanza[]) {
      header.stanzas = stanzas;
      header.fileKey = firstOf(stanzas, holders);
      return header.fileKey ?? null;
    },
  });
  const text = await decrypter.decrypt(decodeArmor(armored), 'text').catch((cause: unknown) => {
    throw header.fileKey === undefined && header.stanzas.length > 0
      ? notOpened(cause)
      : damagedKey('it does not decrypt', cause);
  });
  const identity = text.trim();
  if (!/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/.test(identity)) throw damagedKey('it does not hold an age identity');
  const { stanzas, fileKey } = header;
  if (fileKey === undefined) throw new TypeError('decrypted without a file key');
  return { identity, ...accountOf({ stanzas, fileKey, secret: `${identity}\n`, holders, recipients }) };
}

/** Whether a wrap is for exactly these recipients: each shown to open it, and nobody else in it. */
export function isExactly(wrap: OpenedWrap): boolean {
  return wrap.unshown.length === 0 && wrap.others === 0;
}

interface Account {
  readonly stanzas: readonly Stanza[];
  readonly fileKey: Uint8Array;
  /** What is wrapped, from which the stanzas were derived. */
  readonly secret: string;
  readonly holders: readonly Holder[];
  readonly recipients: readonly string[];
}

function accountOf({ stanzas, fileKey, secret, holders, recipients }: Account) {
  const identities = new Map(holders.map(({ recipient, identity }) => [recipient, identity]));
  const own = new Map<string, Stanza>();
  for (const recipient of recipients) {
    const derived = stanzaFor(recipient, fileKey, secret);
    const identity = identities.get(recipient);
    const stanza = stanzas.find(
      (each) => sameStanza(each, derived) || (identity !== undefined && opensTo(identity, each, fileKey)),
    );
    if (stanza) own.set(recipient, stanza);
  }
  const claimed = new Set(own.values());
  return {
    opens: [...own.keys()],
    unshown: recipients.filter((recipient) => !own.has(recipient)),
    others: stanzas.filter((stanza) => !claimed.has(stanza)).length,
  };
}

function opensTo(identity: string, stanza: Stanza, fileKey: Uint8Array): boolean {
  const found = openStanza(identity, stanza);
  return found !== undefined && Buffer.from(found).equals(fileKey);
}

function firstOf(stanzas: readonly Stanza[], holders: readonly Holder[]): Uint8Array | undefined {
  for (const { identity } of holders)
    for (const stanza of stanzas) {
      const fileKey = openStanza(identity, stanza);
      if (fileKey) return fileKey;
    }
  return undefined;
}
