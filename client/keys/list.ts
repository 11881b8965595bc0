/** `keys list` and `keys check`: whom the backups open for, who signed them, and what is wrong with their keys. */
import { identitiesAtHand } from '../../activities/keys/at-hand.ts';
import { keyIdOf } from '../../activities/keys/signing.ts';
import { ownSigner } from '../../activities/keys/site-keys.ts';
import type { Holder } from '../../activities/keys/wrap.ts';
import { surveyKeys, type SurveyedKey, type SurveyedPlace } from '../../activities/operations/keys/survey.ts';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';

export interface ListedRecipient {
  readonly recipient: string;
  /** Whether what is made now opens for it. */
  readonly inConfig: boolean;
  /** Its identity is here. */
  readonly atHand: boolean;
  /** References that it was shown to open, by place. */
  readonly opens: Readonly<Record<string, readonly string[]>>;
}

export interface ListedSigningKey {
  readonly keyId: string;
  /** Null for one that is known by what it signed alone. */
  readonly publicKey: string | null;
  readonly state: 'trusted' | 'revoked' | 'foreign';
  readonly since: string | null;
  /** This host signs with it. */
  readonly own: boolean;
  /** How many backups at all places it signed. */
  readonly signed: number;
}

export interface KeyList {
  readonly recipients: readonly ListedRecipient[];
  readonly signing: readonly ListedSigningKey[];
  readonly places: readonly {
    readonly place: string;
    readonly backups: number;
    /** Nobody at hand opens them. */
    readonly unopened: number;
    /** They have wraps of which nothing at hand shows for whom they are. */
    readonly others: number;
    readonly away: string | null;
  }[];
}

/** @param files identity files besides the config's. A host without any identity lists what can be known without. */
export async function listKeys(site: Site, files: readonly string[], signal: AbortSignal): Promise<KeyList> {
  const holders = await holdersOrNone(site, files);
  const inConfig = site.config.encryption.recipients;
  const recipients = [...new Set([...inConfig, ...holders.map(({ recipient }) => recipient)])];
  const places = await surveyKeys({ site, holders, recipients, problems: false, signal });
  const keys = places.flatMap((place) => place.keys);
  return {
    recipients: recipients.map((recipient) => ({
      recipient,
      inConfig: inConfig.includes(recipient),
      atHand: holders.some((holder) => holder.recipient === recipient),
      opens: Object.fromEntries(places.map(({ place, keys: there }) => [place, openedBy(recipient, there)])),
    })),
    signing: await signingKeys(site, keys),
    places: places.map(({ place, keys: there, away }) => ({
      place,
      backups: there.length,
      unopened: there.filter(({ unopened }) => unopened !== null).length,
      others: there.filter(({ others }) => others > 0).length,
      away: away?.message ?? null,
    })),
  };
}

function openedBy(recipient: string, keys: readonly SurveyedKey[]): readonly string[] {
  return keys.filter(({ opens }) => opens.includes(recipient)).map(({ reference }) => reference);
}

async function signingKeys(site: Site, keys: readonly SurveyedKey[]): Promise<readonly ListedSigningKey[]> {
  const { trusted, revoked } = site.config.signing;
  const own = (await ownSigner(site).catch(() => undefined))?.publicKey;
  const known = [...new Set([...trusted, ...(own === undefined ? [] : [own]), ...revoked.map(({ key }) => key)])];
  const signed = (keyId: string) => keys.filter(({ signer }) => signer === keyId).length;
  const listed = known.map((publicKey): ListedSigningKey => {
    const [keyId, end] = [keyIdOf(publicKey), revoked.find(({ key }) => key === publicKey)];
    const state = end ? 'revoked' : 'trusted';
    return { keyId, publicKey, state, since: end?.since ?? null, own: publicKey === own, signed: signed(keyId) };
  });
  const others = [...new Set(keys.map(({ signer }) => signer))].filter(
    (id) => !listed.some(({ keyId }) => keyId === id),
  );
  return [
    ...listed,
    ...others.map((keyId): ListedSigningKey => ({
      keyId,
      publicKey: null,
      state: 'foreign',
      since: null,
      own: false,
      signed: signed(keyId),
    })),
  ];
}

/** A host that only backs up has none, and may list all the same. */
async function holdersOrNone(site: Site, files: readonly string[]): Promise<readonly Holder[]> {
  try {
    return await identitiesAtHand(site, files);
  } catch (error) {
    if (files.length === 0 && error instanceof BackupError && error.code === 'missing-identity') return [];
    throw error;
  }
}

export interface KeyCheck {
  readonly checked: number;
  /** `damaged`: some backup does not open as it should. `rotate`: all open, and not for exactly the recipients of the config. */
  readonly verdict: 'ok' | 'rotate' | 'damaged';
  readonly findings: readonly Finding[];
}

/** So many backups of one kind are told one by one. */
const TOLD = 20;

/** Reads every key at every place, and what it should open. @throws BackupError `missing-identity` where none is at hand. */
export async function checkKeys(
  site: Site,
  {
    files,
    place,
    signal,
  }: { readonly files: readonly string[]; readonly place?: string | undefined; readonly signal: AbortSignal },
): Promise<KeyCheck> {
  const holders = await identitiesAtHand(site, files);
  const { recipients } = site.config.encryption;
  const places = await surveyKeys({ site, holders, recipients, place, problems: true, signal });
  const findings = [...strangers(site, holders), ...places.flatMap(placeFindings)];
  const damaged = findings.some(({ severity }) => severity === 'error');
  const verdict = damaged ? 'damaged' : findings.some(({ severity }) => severity === 'warning') ? 'rotate' : 'ok';
  return { checked: places.reduce((sum, { keys }) => sum + keys.length, 0), verdict, findings };
}

function placeFindings({ place, keys, unreadable, away }: SurveyedPlace): readonly Finding[] {
  const wrong = keys.flatMap(({ reference, problem }) => (problem === null ? [] : [{ reference, ...problem }]));
  const kinds = Map.groupBy(wrong, ({ kind }) => kind);
  const told = [...kinds].flatMap(([kind, problems]) => ofKind(place, kind, problems));
  return [
    ...(away === null ? [] : [finding('away', `${place} could not be looked at: ${away.message}`, away.remedy, place)]),
    ...told,
    ...unreadable.map(({ folder, problem }) =>
      finding(
        'unreadable',
        `${folder} at ${place} counts as no backup: ${problem}`,
        'See what happened to it; another copy can be copied there again.',
        place,
      ),
    ),
  ];
}

/** Of many with one problem the first are told one by one. */
function ofKind(
  place: string,
  kind: string,
  problems: readonly { readonly reference: string; readonly message: string; readonly remedy: string }[],
): readonly Finding[] {
  const told = problems
    .slice(0, TOLD)
    .map(({ reference, message, remedy }) => finding(kind, `${reference} at ${place}: ${message}`, remedy, place));
  const more = problems.length - told.length;
  return more === 0 ? told : [...told, finding(kind, `${more} more at ${place} have the same`, null, place)];
}

/** An identity that opens nothing of what is made now. */
function strangers({ config, file }: Site, holders: readonly Holder[]): readonly Finding[] {
  return holders
    .filter(({ recipient }) => !config.encryption.recipients.includes(recipient))
    .map(({ recipient }) => ({
      code: 'keys.identity-foreign',
      severity: 'info',
      message: `${file} does not name ${recipient}, whose identity is at hand: nothing that is made now opens for it`,
      remedy: null,
      subject: 'identity',
    }));
}

/** What does not open as it should is an error; what a rotation mends is a warning. */
const ERRORS: ReadonlySet<string> = new Set(['damaged', 'unopened', 'unreadable']);

function finding(kind: string, message: string, remedy: string | null, subject: string): Finding {
  return { code: `keys.${kind}`, severity: ERRORS.has(kind) ? 'error' : 'warning', message, remedy, subject };
}
