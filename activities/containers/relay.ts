/**
 * A relay inside a container: one connection to a server there, over the input and output of `docker exec`. Whatever the
 * image has will do: perl (images of Debian's family), socat, or the nc of busybox (Alpine). Each is one process, which
 * ends with its input, so nothing has to be reaped, and nothing is left that the server would adopt (see inside.ts).
 */
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Program } from '../streams/types.ts';
import { runProgram } from '../streams/run.ts';
import type { Container } from './container.ts';
import { inside } from './inside.ts';

/** Where a server listens inside. */
export type Target =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

export interface Relay {
  /** Makes one connection; its stdin and stdout are the connection's. */
  readonly program: Program;
}

type Tool = 'perl' | 'socat' | 'nc';

/** Both directions in one process. Its input's end is the connection's end. */
const PERL = `
use Socket;
my ($kind, $where, $port) = @ARGV;
my $there = $kind eq 'socket' ? sockaddr_un($where) : sockaddr_in($port, inet_aton($where));
socket(my $s, $kind eq 'socket' ? PF_UNIX : PF_INET, SOCK_STREAM, 0) or die "$!\\n";
connect($s, $there) or die "$where: $!\\n";
$SIG{PIPE} = 'IGNORE';
sub pass {
  my ($from, $to) = @_;
  my $length = sysread($from, my $bytes, 65536) or exit 0;
  for (my $sent = 0; $sent < $length;) { $sent += syswrite($to, $bytes, $length - $sent, $sent) || exit 0 }
}
my ($in, $far) = (fileno(STDIN), fileno($s));
while (1) {
  my $ready = '';
  vec($ready, $in, 1) = 1;
  vec($ready, $far, 1) = 1;
  select($ready, undef, undef, undef) > 0 or next;
  pass($s, \\*STDOUT) if vec($ready, $far, 1);
  pass(\\*STDIN, $s) if vec($ready, $in, 1);
}
`;

/** What of the container decides how it is reached. The socket is looked for as its programs see it. */
const LOOK = `
for tool in perl socat nc; do command -v $tool >/dev/null 2>&1 && echo "tool $tool"; done
if [ -n "$1" ]; then
  [ -S "$1" ] && echo found
  for folder in /run/postgresql /var/run/postgresql /tmp; do for each in "$folder"/.s.PGSQL.[0-9]*; do [ -S "$each" ] && echo "socket $each"; done; done
fi
exit 0
`;

/**
 * Looks which way there is.
 * @throws BackupError `config` when no such socket is inside, `missing-program` when the image has no program for it.
 */
export async function relayTo(container: Container, target: Target, signal: AbortSignal): Promise<Relay> {
  const socket = target.kind === 'socket' ? target.path : '';
  const look = inside(container, { command: 'sh', args: ['-c', LOOK, 'sh', socket] });
  const { stdout } = await runProgram(look, { signal });
  const lines = stdout.split('\n');
  if (socket !== '' && !lines.includes('found')) throw noSocket(container, socket, lines);
  const tool = (['perl', 'socat', 'nc'] as const).find((each) => lines.includes(`tool ${each}`));
  const args = tool && argumentsOf(tool, target);
  if (args) return { program: inside(container, { command: args[0], args: args.slice(1) }, { input: true }) };
  throw new BackupError(
    'missing-program',
    `The image of container ${container.name} has neither perl nor socat nor nc.`,
    {
      remedy:
        'Add one of them to the image, or reach the server by a socket folder that is shared with this machine, or by TCP: leave connection.container out.',
      facts: { container: container.name, image: container.image.name },
    },
  );
}

/** busybox's nc knows no sockets in the file system: it takes the loopback inside. */
function argumentsOf(tool: Tool, target: Target): readonly [string, ...string[]] {
  const isSocket = target.kind === 'socket';
  if (tool === 'perl')
    return ['perl', '-e', PERL, ...(isSocket ? ['socket', target.path] : ['tcp', target.host, String(target.port)])];
  if (tool === 'socat')
    return ['socat', '-', isSocket ? `UNIX-CONNECT:${target.path}` : `TCP:${target.host}:${target.port}`];
  return ['nc', '127.0.0.1', String(isSocket ? portOf(target.path) : target.port)];
}

/** `/run/postgresql/.s.PGSQL.5432` */
function portOf(socket: string): number {
  return Number(path.extname(socket).slice(1));
}

function noSocket(container: Container, socket: string, lines: readonly string[]): BackupError {
  const others = lines.flatMap((line) => (line.startsWith('socket ') ? [line.slice(7)] : []));
  const hint = others.length > 0 ? ` There is ${[...new Set(others)].join(', ')}.` : '';
  // The server makes its socket when it listens: it may still be starting.
  return new BackupError('unreachable', `There is no socket ${socket} in container ${container.name}`, {
    remedy: `Let connection.host name the folder of the server's socket inside the container, and connection.port its port.${hint}`,
    facts: { container: container.name, socket, others },
  });
}
