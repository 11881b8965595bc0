# repair-program.pl FILE: makes the dynamic section of an ELF program (64 bit, little endian) mapped and writable.
#
# The wheel's pg_verifybackup 18 ends before main() with a segmentation fault: whatever set its library path moved
# the dynamic section to where no loadable segment holds it whole, and the pages behind that segment's end are mapped
# read-only or not at all, while the loader writes into it. Only program headers are changed; no code is.
use strict;
use warnings;

use constant { LOAD => 1, DYNAMIC => 2, WRITABLE => 2, PAGE => 4096 };

my ($file) = @ARGV;
open my $handle, '+<:raw', $file or die "$file: $!\n";
my $bytes = do { local $/; <$handle> };
die "$file is no 64-bit little-endian ELF program\n" unless substr($bytes, 0, 6) eq "\x7fELF\2\1";
my ($table, $size, $count) = unpack 'x32 Q< x14 S< S<', $bytes;
my @headers = map { [$table + $_ * $size, unpack 'L< L< Q< Q< Q< Q< Q<', substr $bytes, $table + $_ * $size, 48] }
  0 .. $count - 1;

my ($dynamic) = grep { $_->[1] == DYNAMIC } @headers or die "$file has no dynamic section\n";
my ($from, $until) = ($dynamic->[4], $dynamic->[4] + $dynamic->[7]);
for (grep { $_->[1] == LOAD } @headers) {
  my ($at, undef, $flags, undef, $address, undef, $length) = @$_;
  my $end = int(($address + $length + PAGE - 1) / PAGE) * PAGE;
  next if $end <= $from || int($address / PAGE) * PAGE >= $until;
  substr($bytes, $at + 4, 4) = pack 'L<', $flags | WRITABLE;
  # The segment in which it begins must reach to its end.
  next unless $address <= $from && $address + $length < $until;
  substr($bytes, $at + 32, 16) = pack 'Q< Q<', ($until - $address) x 2;
}
seek $handle, 0, 0 or die "$file: $!\n";
print {$handle} $bytes or die "$file: $!\n";
close $handle or die "$file: $!\n";
