/** The backup_manifest of a streamed backup, kept aside while it passes: the next incremental is asked for with it. */
import type { Program } from '../../../streams/types.ts';

/**
 * Copies a tar from stdin to stdout, and one of its members into a file besides. Nothing else gives the manifest of a
 * backup on stdout: it is the last member of its tar, and the server tells it once. Only headers are looked at, so it
 * costs no more than another pipe does (0.1 s of CPU for 245 MB; a second pass of `tar` behind `tee` half as much again).
 */
const KEEP = `
use strict; use warnings;
my ($name, $file) = @ARGV;
umask 077;
open my $kept, '>:raw', $file or die "cannot write $file: $!\\n";
my ($header, $body, $padding, $keeping, $found) = ('', 0, 0, 0, 0);
while (1) {
  my $read = sysread(STDIN, my $chunk, 1048576);
  die "cannot read: $!\\n" unless defined $read;
  last unless $read;
  for (my $at = 0; $at < $read;) {
    my $rest = $read - $at;
    if ($body > 0) {
      my $take = $rest < $body ? $rest : $body;
      if ($keeping) { print {$kept} substr($chunk, $at, $take) or die "cannot write $file: $!\\n"; }
      $body -= $take; $at += $take;
    } elsif ($padding > 0) {
      my $take = $rest < $padding ? $rest : $padding;
      $padding -= $take; $at += $take;
    } else {
      my $take = 512 - length $header;
      $take = $rest if $take > $rest;
      $header .= substr($chunk, $at, $take); $at += $take;
      next if length $header < 512;
      my $size = substr $header, 124, 12;
      # Above 8 GiB as a binary number, else in octal.
      $body = ord($size) & 0x80 ? unpack('x4 Q>', $size) : oct(($size =~ /([0-7]+)/)[0] // 0);
      $padding = -$body % 512;
      $keeping = unpack('Z100', $header) eq $name;
      $found = 1 if $keeping;
      $header = '';
    }
  }
  for (my $done = 0; $done < $read;) {
    my $wrote = syswrite(STDOUT, $chunk, $read - $done, $done);
    die "cannot write: $!\\n" unless defined $wrote;
    $done += $wrote;
  }
}
die "the backup ended without its $name\\n" unless $found && !$body;
close $kept or die "cannot write $file: $!\\n";
`;

/** The stage that keeps the manifest; it stands behind pg_basebackup. */
export function keepManifest(file: string): Program {
  return { command: 'perl', args: ['-e', KEEP, 'backup_manifest', file] };
}
