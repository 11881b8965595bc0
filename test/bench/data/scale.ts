/** How much data there is: full, and small for trying the bench out. */
export interface Scale {
  readonly name: 'full' | 'small';
  readonly tree: { readonly bytes: number; readonly files: number; readonly folders: number };
  readonly postgres: { readonly bytes: number };
  /** Logs that one tick ships. */
  readonly logBytes: number;
  /** Backups of a repository that is listed. */
  readonly manifests: number;
  /** An artifact that is uploaded, in parts of so many bytes; the full one has those of the shipped defaults. */
  readonly artifact: { readonly bytes: number; readonly part: number };
  /** An artifact that is copied to several places at once. */
  readonly copied: { readonly bytes: number };
  /** Stacks that are recovered: how many copies of all its tables each has beside the sample's own. */
  readonly stacks: readonly number[];
}

const MEBIBYTE = 2 ** 20;

export const FULL: Scale = {
  name: 'full',
  tree: { bytes: 4_000_000_000, files: 100_000, folders: 6_000 },
  postgres: { bytes: 3_000_000_000 },
  logBytes: 250_000_000,
  manifests: 100_000,
  artifact: { bytes: 4_000_000_000, part: 16 * MEBIBYTE },
  copied: { bytes: 1_000_000_000 },
  stacks: [0, 10],
};

export const SMALL: Scale = {
  name: 'small',
  tree: { bytes: 150_000_000, files: 5_000, folders: 300 },
  postgres: { bytes: 150_000_000 },
  logBytes: 10_000_000,
  manifests: 2_000,
  artifact: { bytes: 64_000_000, part: 5 * MEBIBYTE },
  copied: { bytes: 16_000_000 },
  stacks: [0, 1],
};
