/** Trees on disk for tests, and a look at them that owes nothing to the code under test. */
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Everything that `find`, `sha256sum`, `getfacl` and `getfattr` say of a folder, sorted: equal texts, equal trees. */
export function fingerprint(folder: string): string {
  const script = `
    find . -printf '%P|%y|%m|%U|%G|%T@|%l|' \\( -type d -o -printf '%n|' \\) \\( -type f -printf '%s' -o -true \\) -printf '\\n' | sort
    find . -type f -size -1024k -print0 | sort -z | xargs -0 -r sha256sum
    find . -type f -size +1024k -print0 | sort -z | xargs -0 -r -n 1 head -c 1048576 | sha256sum
    find . -name 'sparse*' -printf '%P %k KiB on disk\n'
    find . ! -type l -print0 | sort -z | xargs -0 -r getfacl -pn
    find . -print0 | sort -z | xargs -0 -r getfattr -hd -m - -e hex
  `;
  const options = { cwd: folder, env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 2 ** 28 };
  return execFileSync('sh', ['-ec', script], options).toString('latin1');
}

/** A file of a folder, with folders on the way. */
export function write(folder: string, name: string, content: string | Buffer = name, mode = 0o644): void {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
}

/** One of everything that a file system has and a backup may lose. Needs root. */
export function writeEverything(folder: string): void {
  const at = (name: string): string => path.join(folder, name);
  const run = (command: string, ...args: readonly string[]): unknown => execFileSync(command, args, { cwd: folder });
  write(folder, 'plain');
  write(folder, 'secrets/.env', 'PASSWORD=secret\n', 0o600);
  run('chown', '1234:4321', 'secrets/.env');
  run('chmod', '0710', 'secrets');
  write(folder, 'setuid', 'x', 0o4755);
  write(folder, 'setgid', 'x', 0o2755);
  mkdirSync(at('sticky'));
  run('chmod', '1777', 'sticky');
  write(folder, 'nothing allowed', 'x', 0o000);
  write(folder, 'with acl');
  run('setfacl', '-m', 'u:1234:rw,g:4321:r', 'with acl');
  mkdirSync(at('default acl'));
  run('setfacl', '-d', '-m', 'u:1234:rwx', 'default acl');
  write(folder, 'with xattr');
  run('setfattr', '-n', 'user.origin', '-v', 'https://example.org', 'with xattr');
  run('setfattr', '-n', 'trusted.secret', '-v', 'root only', 'with xattr');
  write(folder, 'with capability', 'x', 0o755);
  // cap_net_bind_service=ep, as setcap writes it.
  run('setfattr', '-n', 'security.capability', '-v', '0x0100000200040000000000000000000000000000', 'with capability');
  write(folder, 'hard/one', 'linked');
  linkSync(at('hard/one'), at('hard/two'));
  linkSync(at('hard/one'), at('third'));
  write(folder, 'sparse', 'begin');
  // Larger than 8 GiB: the old tar format could not say so.
  truncateSync(at('sparse'), 9 * 2 ** 30);
  symlinkSync('plain', at('link'));
  symlinkSync('/nowhere/at all', at('dangling'));
  run('chown', '-h', '1234:4321', 'dangling');
  mkdirSync(at('empty/emptier'), { recursive: true });
  run('mkfifo', '-m', '640', 'fifo');
  run('mknod', '-m', '600', 'device', 'c', '1', '3');
  for (const name of ODD_NAMES) write(folder, name);
  execFileSync(
    'sh',
    ['-c', `printf x > "$(printf 'not utf8 \\377\\376')"; ln -s "$(printf '\\351')" "$(printf 'link \\351')"`],
    { cwd: folder },
  );
  write(folder, `${'long/'.repeat(60)}${'name'.repeat(50)}`);
  write(folder, 'old');
  utimesSync(at('old'), 1, 1.123456);
  run('touch', '-d', '1960-01-02 03:04:05', 'older');
  run('touch', '-d', '2300-01-02 03:04:05.123456789', 'future');
}

/** Names that quoting, globbing or option parsing would break. */
export const ODD_NAMES = [
  '-rf',
  '--exclude=x',
  'new\nline',
  'tab\there',
  'quote"d',
  "apo'strophe",
  'back\\slash',
  'octal\\101',
  '*star?[x]',
  ' space ',
  'ünïcödé 漢字 😀',
  '@file',
  'arrow -> x',
  '#comment',
  '{"json":1}',
];
