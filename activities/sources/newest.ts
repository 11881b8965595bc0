/** The newest data in what was restored, as a service tells of them. */
import type { Newest } from '../../model/drill/drill.ts';

/** Each RFC 3339; undefined where there is no such record. */
export interface Records {
  readonly canary: string | undefined;
  readonly commit: string | undefined;
}

/** The most exact first, in milliseconds and UTC. */
export function newestOf({ canary, commit }: Records): readonly Newest[] {
  return [
    ...(canary === undefined ? [] : [{ by: 'canary' as const, time: utc(canary) }]),
    ...(commit === undefined ? [] : [{ by: 'commit' as const, time: utc(commit) }]),
  ];
}

function utc(time: string): string {
  return new Date(time).toISOString();
}
