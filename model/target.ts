/** Where a point-in-time recovery stops. */

export type RestoreTarget =
  /** RFC 3339, UTC: what was committed until then. */
  | { readonly kind: 'time'; readonly time: string }
  /** An LSN (`0/3000060`) or a GTID (`0-1-42`): the last one applied. */
  | { readonly kind: 'position'; readonly position: string }
  /** Everything before this GTID. */
  | { readonly kind: 'before'; readonly position: string }
  /** A named restore point. */
  | { readonly kind: 'name'; readonly name: string }
  /** The end of the logs. */
  | { readonly kind: 'end' };
