/** What a machine needs to restore a source and to run it. */

export interface Need {
  /** A name on the PATH, or a whole path, by which one sees that it is there. */
  readonly program: string;
  /** Of Debian. */
  readonly package: string;
  /** As it was backed up; null where any will do. */
  readonly version: string | null;
}
