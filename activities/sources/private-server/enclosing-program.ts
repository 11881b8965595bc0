/** The program that closes the way out behind itself, and then becomes what it is to enclose. */

/**
 * Perl, as it is on every machine that captures. It runs in namespaces of its own (unshare): what it changes, nobody else sees. It calls the
 * kernel itself, since mount(8) of Debian 12 cannot make a whole tree read-only; numbers of calls since 5.1 are the same on every machine
 * (include/uapi/asm-generic/unistd.h). Arguments: w:FOLDER (stays, writable), v:FOLDER (stays, to be read), h:FOLDER (is empty inside),
 * l: (loopback is up), and after -- the command.
 *
 * 1. What stays is taken hold of, before anything is covered. 2. No device is left but those that hold nothing: a mount that is read only keeps nobody
 * from writing to a disk. 3. Empty folders cover those where servers have their sockets. 4. What stays is put back. 5. Sockets elsewhere, on which
 * somebody listens outside, are covered by /dev/null: a namespace of networks does not keep anybody from a socket that is a file. 6. All is to be
 * read only, but what is said. Folders that it makes can be passed whatever the umask, which the command gets back.
 */
export const ENCLOSING = `
use strict;
my $umask = umask 022;
my ($CLOEXEC, $RECURSIVE, $HERE, $LISTENS) = (0x80000, 0x8000, -100, 0x10000);
my %of = (w => [], v => [], h => [], l => []);
while (defined(my $one = shift @ARGV)) {
  last if $one eq "--";
  my ($kind, $path) = split /:/, $one, 2;
  push @{$of{$kind}}, $path;
}
sub call { my ($name, $number, @with) = @_; my $got = syscall($number, @with); die "$name: $!\\n" if $got < 0; $got }
sub hold { my ($path) = @_; call("open_tree $path", 428, $HERE, $path, 1 | $CLOEXEC | $RECURSIVE) }
sub put { my ($what, $on) = @_; my $none = ""; call("move_mount $on", 429, $what, $none, $HERE, $on, 4) }
sub fresh {
  my ($mode) = @_;
  my ($type, $key) = ("tmpfs", "mode");
  my $made = call("fsopen", 430, $type, 1);
  call("fsconfig", 431, $made, 1, $key, $mode, 0);
  call("fsconfig", 431, $made, 6, 0, 0, 0);
  call("fsmount", 432, $made, 1, 2 | 4);
}
sub change {
  my ($path, $deep, $set, $clear) = @_;
  my $attributes = pack("QQQQ", $set, $clear, 0, 0);
  call("mount_setattr $path", 442, $HERE, $path, $deep, $attributes, 32);
}
sub below { my ($path, @folders) = @_; scalar grep { $path eq $_ || index($path, "$_/") == 0 } @folders }

my @stays = (@{$of{w}}, @{$of{v}});
my @held = map { hold($_) } @stays;
my @devices = grep { -c } map { "/dev/$_" } qw(null zero full random urandom);
my @usable = map { hold($_) } @devices;
put(fresh("0755"), "/dev");
for my $index (0 .. $#devices) {
  open(my $point, ">", $devices[$index]) or die "$devices[$index]: $!\n";
  close $point;
  put($usable[$index], $devices[$index]);
}
symlink("/proc/self/fd", "/dev/fd");
symlink("/proc/self/fd/$_->[0]", "/dev/$_->[1]") for [0, "stdin"], [1, "stdout"], [2, "stderr"];
mkdir "/dev/shm";

my @empty = grep { -d && !-l } @{$of{h}};
put(fresh($_ eq "/run" ? "0755" : "1777"), $_) for @empty;
for my $index (0 .. $#stays) {
  my $at = "";
  for my $part (grep { length } split m{/}, $stays[$index]) { $at .= "/$part"; mkdir $at, 0755 unless -d $at }
  put($held[$index], $stays[$index]);
}
open(my $sockets, "<", "/proc/" . getppid() . "/net/unix") or die "/proc/net/unix: $!\\n";
while (<$sockets>) {
  my ($flags, $path) = m{^\\S+ \\S+ \\S+ (\\S+) \\S+ \\S+ +\\d+ (/.*)$} or next;
  put(hold("/dev/null"), $path) if hex($flags) & $LISTENS and -S $path and !below($path, @stays);
}
change("/", $RECURSIVE, 1, 0);
change($_, $RECURSIVE, 0, 1) for @{$of{w}};
change($_, $RECURSIVE, 1, 0) for @{$of{v}};
change($_, 0, 0, 1) for grep { $_ ne "/run" } @empty;
if (@{$of{l}}) {
  socket(my $any, 2, 2, 0) or die "socket: $!\\n";
  my $up = pack("a16s", "lo", 0x41);
  ioctl($any, 0x8914, $up) or die "lo: $!\\n";
}
umask $umask;
exec { $ARGV[0] } @ARGV;
die "$ARGV[0]: $!\\n";
`;
