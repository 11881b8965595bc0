/** What retention did in a run, or would do: small, for reports. */

export interface Amount {
  readonly backups: number;
  readonly bytes: number;
}

export interface PlaceRetention {
  readonly place: string;
  /** Why it was not looked at; null where it was. */
  readonly away: string | null;
  /** Whether this host has an identity that may delete there. */
  readonly mayDelete: boolean;
  readonly kept: Amount;
  /** Whose time is over, and which something else keeps. */
  readonly due: Amount;
  readonly deleted: Amount;
  /** What is to be deleted and was not: it was not asked for, nobody here may, or it failed. */
  readonly left: Amount;
  /** Why it was not, in words. */
  readonly problems: readonly string[];
}

export interface RetentionSummary {
  readonly host: string;
  readonly places: readonly PlaceRetention[];
  /** Sources that keep all that they have, and why. */
  readonly stopped: readonly { readonly source: string; readonly reasons: readonly string[] }[];
}
