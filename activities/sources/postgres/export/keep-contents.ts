/** The table of contents of an archive, kept aside while it passes: what a restore of one table chooses from. */
import type { Program } from '../../../streams/types.ts';

/**
 * Copies stdin to stdout, and as much of it as that wants into "pg_restore --list". So an archive that has no readable
 * table of contents fails the capture, and the list costs no second reading.
 */
const KEEP = `
use strict; use warnings;
my ($restore, $file) = @ARGV;
umask 077;
open my $kept, '>', $file or die "cannot write $file: $!\\n";
pipe(my $from, my $to) or die "pipe: $!\\n";
my $lister = fork // die "fork: $!\\n";
if (!$lister) {
  close $to;
  open STDIN, '<&', $from or die "stdin: $!\\n";
  open STDOUT, '>&', $kept or die "stdout: $!\\n";
  exec $restore, '--list' or die "$restore: $!\\n";
}
close $from;
$SIG{PIPE} = 'IGNORE';
sub copy {
  my ($handle, $chunk, $length) = @_;
  for (my $done = 0; $done < $length;) {
    my $wrote = syswrite($handle, $chunk, $length - $done, $done);
    return 0 unless defined $wrote;
    $done += $wrote;
  }
  return 1;
}
while (1) {
  my $read = sysread(STDIN, my $chunk, 1048576);
  die "cannot read: $!\\n" unless defined $read;
  last unless $read;
  # It ends as soon as it has its list; only what it then says of itself counts.
  if (defined $to && !copy($to, $chunk, $read)) { close $to; undef $to; }
  copy(\\*STDOUT, $chunk, $read) or die "cannot write: $!\\n";
}
close $to if defined $to;
waitpid $lister, 0;
die "the archive cannot be listed\\n" if $?;
close $kept or die "cannot write $file: $!\\n";
`;

/** The stage that keeps the list in a file; it stands behind pg_dump. */
export function keepContents(pgRestore: string, file: string): Program {
  return { command: 'perl', args: ['-e', KEEP, pgRestore, file] };
}

export interface ContentLine {
  readonly id: string;
  readonly catalog: string;
  readonly oid: string;
  readonly text: string;
}

/** `3376; 0 16389 TABLE DATA public customers postgres`; comments begin with a semicolon. */
export function parseContents(list: string): readonly ContentLine[] {
  return list.split('\n').flatMap((line) => {
    const [, id, catalog, oid, text] = /^(\d+); (\d+) (\d+) (.*)$/.exec(line) ?? [];
    if (id === undefined || catalog === undefined || oid === undefined || text === undefined) return [];
    return [{ id, catalog, oid, text }];
  });
}
