/** How a capture is slowed so that it does not hurt production. */
import { locate } from './locate.ts';
import type { Limits, Program } from './types.ts';

export const NO_LIMITS: Limits = {};

/** Class 3 (idle) reads only when nobody else does; 2 (best effort) at 7 is its lowest priority. */
const IO_CLASSES = { idle: ['-c', '3'], 'best-effort': ['-c', '2', '-n', '7'] } as const;

/** What stands before a program's own command line: lower CPU and I/O priority. */
export function priorityPrefix({ nice, ionice }: Limits): readonly string[] {
  return [
    ...(nice ? [locate('nice'), '-n', String(nice)] : []),
    ...(ionice ? [locate('ionice'), ...IO_CLASSES[ionice]] : []),
  ];
}

/**
 * Passes stdin on at a given rate. It stands between producer and zstd only where a limit is set, so that the
 * limit is on what is read from the source, whatever the producer is. A pause is made up for by at most a tenth
 * of a second's worth, so that no burst follows it.
 */
const THROTTLE = `
use Time::HiRes qw(time sleep);
my $rate = $ARGV[0]; my $step = int($rate / 20) || 1; $step = 262144 if $step > 262144;
my $due = time;
while (1) {
  my $read = sysread(STDIN, my $chunk, $step);
  die "cannot read: $!\\n" unless defined $read;
  last unless $read;
  for (my $done = 0; $done < $read;) {
    my $wrote = syswrite(STDOUT, $chunk, $read - $done, $done);
    die "cannot write: $!\\n" unless defined $wrote;
    $done += $wrote;
  }
  my $now = time;
  $due = $now - 0.1 if $due < $now - 0.1;
  $due += $read / $rate;
  sleep($due - $now) if $due > $now;
}
`;

/** The throttling stage for a rate in bytes a second; none without a limit. */
export function throttle({ maxRate }: Limits): readonly Program[] {
  if (maxRate === undefined) return [];
  if (!Number.isFinite(maxRate) || maxRate <= 0) throw new RangeError(`not a rate: ${maxRate}`);
  return [{ command: 'perl', args: ['-e', THROTTLE, String(maxRate)] }];
}
