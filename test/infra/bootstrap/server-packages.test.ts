/**
 * Installing servers takes no port of the machine, now or at its next boot. Done for real, on a throw-away
 * image of this very machine: an overlay over its root, in a mount namespace of its own. Needs root and the archive.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const BOOTSTRAP = fileURLToPath(new URL('../../../infra/bootstrap', import.meta.url));

/** $1: the bootstrap; $2: what to do inside. Everything vanishes with the namespace. */
const ON_AN_IMAGE = `
set -eu
mount -t tmpfs -o size=4g tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
mkdir -p /mnt/root/bootstrap
mount --bind "$1" /mnt/root/bootstrap
exec chroot /mnt/root sh -eu -c "$2"
`;

/** A machine that never had PostgreSQL, whatever this one has. */
const WITHOUT_POSTGRESQL = `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
had=$(dpkg-query -W -f '\${Package}\\n' 'postgresql*' pgbackrest 2>/dev/null || :)
[ -z "$had" ] || dpkg --purge --force-all $had >/dev/null 2>&1 || :
rm -rf /etc/postgresql /etc/postgresql-common /var/lib/postgresql /usr/lib/postgresql /usr/sbin/policy-rc.d
rm -f /etc/systemd/system/postgresql*.service /lib/systemd/system/postgresql*.service
`;

describe('bootstrap: PostgreSQL as programs only', () => {
  it('is installed without a cluster, with its services masked, and leaves no policy behind', async () => {
    const found = await onAnImage(`${WITHOUT_POSTGRESQL}
      sh /bootstrap/install-packages.sh postgresql-client postgresql-server >&2
      echo "clusters: $(ls -A /etc/postgresql /var/lib/postgresql | grep -v : | tr -d '\\n')"
      for unit in postgresql.service postgresql@.service; do echo "$unit: $(readlink /etc/systemd/system/$unit)"; done
      echo "policy: $(ls /usr/sbin/policy-rc.d 2>/dev/null || echo none)"
      echo "programs: $(ls /usr/lib/postgresql/*/bin/initdb /usr/lib/postgresql/*/bin/pg_basebackup | wc -l)"
    `);
    assert.deepEqual(found, [
      'clusters: ',
      'postgresql.service: /dev/null',
      'postgresql@.service: /dev/null',
      'policy: none',
      'programs: 2',
    ]);
  }).timeout(180_000);

  it('leaves a server alone that the user has, and a policy that is not its own', async () => {
    const found = await onAnImage(`
      rm -f /etc/systemd/system/postgresql*.service
      mkdir -p /lib/systemd/system && echo '[Unit]' >/lib/systemd/system/postgresql.service
      printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
      sh /bootstrap/install-packages.sh postgresql-server no-such-package >&2 || echo "status: $?"
      echo "units: $(ls /etc/systemd/system | grep -c postgresql || :)"
      echo "policy: $(tail -n 1 /usr/sbin/policy-rc.d)"
    `);
    assert.deepEqual(found, ['status: 1', 'units: 0', 'policy: exit 101']);
  }).timeout(60_000);
});

/** A machine that never had Redis. */
const WITHOUT_REDIS = `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
had=$(dpkg-query -W -f '\${Package}\\n' 'redis*' 2>/dev/null || :)
[ -z "$had" ] || dpkg --purge --force-all $had >/dev/null 2>&1 || :
rm -f /etc/systemd/system/redis*.service /lib/systemd/system/redis*.service /usr/sbin/policy-rc.d
`;

describe('bootstrap: Redis as programs only', () => {
  it('is installed with its services masked, and starts none', async () => {
    const found = await onAnImage(`${WITHOUT_REDIS}
      sh /bootstrap/install-packages.sh redis-tools redis-server >&2
      for unit in redis-server.service redis-server@.service; do echo "$unit: $(readlink /etc/systemd/system/$unit)"; done
      echo "policy: $(ls /usr/sbin/policy-rc.d 2>/dev/null || echo none)"
      echo "programs: $(ls /usr/bin/redis-server /usr/bin/redis-cli /usr/bin/redis-check-aof | wc -l)"
    `);
    assert.deepEqual(found, [
      'redis-server.service: /dev/null',
      'redis-server@.service: /dev/null',
      'policy: none',
      'programs: 3',
    ]);
  }).timeout(180_000);

  it('leaves a server alone that the user has', async () => {
    const found = await onAnImage(`
      rm -f /etc/systemd/system/redis*.service
      mkdir -p /lib/systemd/system && echo '[Unit]' >/lib/systemd/system/redis-server.service
      sh /bootstrap/install-packages.sh redis-server no-such-package >&2 || echo "status: $?"
      echo "units: $(ls /etc/systemd/system | grep -c redis || :)"
    `);
    assert.deepEqual(found, ['status: 1', 'units: 0']);
  }).timeout(60_000);
});

/** A machine that never had MariaDB. */
const WITHOUT_MARIADB = `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
had=$(dpkg-query -W -f '\${Package}\\n' 'mariadb-*' 'libmariadb*' 2>/dev/null || :)
[ -z "$had" ] || dpkg --purge --force-all $had >/dev/null 2>&1 || :
rm -rf /var/lib/mysql /usr/sbin/policy-rc.d
`;

describe('bootstrap: MariaDB as programs only', () => {
  it('is installed without a service, a data folder or a user: there is nothing that could start', async () => {
    const names = 'mariadb mariadb-backup mbstream mariadb-install-db mariadb-dump mariadb-check mariadb-binlog';
    const files = `/usr/sbin/mariadbd ${names.replaceAll(/\S+/g, '/usr/bin/$&')}`;
    const found = await onAnImage(`${WITHOUT_MARIADB}
      echo "before: $(ls ${files} 2>/dev/null | wc -l)"
      packages=$(sed -n 's/^[^#][^ ]* *[^ ]* *\\(mariadb-[^ ]*\\).*/\\1/p' /bootstrap/needs.txt)
      sh /bootstrap/install-packages.sh $packages >&2
      echo "programs: $(ls ${files} 2>/dev/null | wc -l)"
      echo "services: $(ls /lib/systemd/system /etc/systemd/system /etc/init.d | grep -c -i 'mysql\\|mariadb' || :)"
      echo "data: $(ls -d /var/lib/mysql 2>/dev/null || echo none)"
      echo "user: $(getent passwd mysql || echo none)"
    `);
    assert.deepEqual(found, ['before: 0', 'programs: 8', 'services: 0', 'data: none', 'user: none']);
  }).timeout(180_000);
});

/** A machine that never had Docker. */
const WITHOUT_DOCKER = `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
had=$(dpkg-query -W -f '\${Package}\\n' 'docker*' 'containerd*' runc 2>/dev/null || :)
[ -z "$had" ] || dpkg --purge --force-all $had >/dev/null 2>&1 || :
rm -f /etc/systemd/system/docker.* /etc/systemd/system/containerd.service /lib/systemd/system/docker.* /lib/systemd/system/containerd.service
rm -f /usr/sbin/policy-rc.d
`;

describe('bootstrap: the Docker Engine as programs only', () => {
  it('is installed with its services masked, and starts none', async () => {
    const found = await onAnImage(`${WITHOUT_DOCKER}
      sh /bootstrap/install-packages.sh docker.io >&2
      for unit in docker.service docker.socket containerd.service; do echo "$unit: $(readlink /etc/systemd/system/$unit)"; done
      echo "policy: $(ls /usr/sbin/policy-rc.d 2>/dev/null || echo none)"
      echo "programs: $(ls /usr/sbin/dockerd /usr/bin/docker /usr/bin/containerd | wc -l)"
      echo "running: $(ls /var/run/docker.sock /var/run/docker.pid 2>/dev/null || echo none)"
    `);
    assert.deepEqual(found, [
      'docker.service: /dev/null',
      'docker.socket: /dev/null',
      'containerd.service: /dev/null',
      'policy: none',
      'programs: 3',
      'running: none',
    ]);
  }).timeout(180_000);

  it('leaves an engine alone that the user has', async () => {
    const found = await onAnImage(`
      rm -f /etc/systemd/system/docker.* /etc/systemd/system/containerd.service
      mkdir -p /lib/systemd/system && echo '[Unit]' >/lib/systemd/system/docker.service
      sh /bootstrap/install-packages.sh docker.io no-such-package >&2 || echo "status: $?"
      echo "units: $(ls /etc/systemd/system | grep -c 'docker\\|containerd' || :)"
    `);
    assert.deepEqual(found, ['status: 1', 'units: 0']);
  }).timeout(60_000);
});

/** A machine that never had sshd. */
const WITHOUT_SSHD = `
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
had=$(dpkg-query -W -f '\${Package}\\n' openssh-server 2>/dev/null || :)
[ -z "$had" ] || dpkg --purge --force-all $had >/dev/null 2>&1 || :
rm -f /etc/systemd/system/ssh.* /lib/systemd/system/ssh.* /usr/sbin/policy-rc.d
`;

describe('bootstrap: sshd as a program only', () => {
  it('is installed with its services masked, and starts none', async () => {
    const found = await onAnImage(`${WITHOUT_SSHD}
      sh /bootstrap/install-packages.sh openssh-server >&2
      for unit in ssh.service ssh.socket; do echo "$unit: $(readlink /etc/systemd/system/$unit)"; done
      echo "policy: $(ls /usr/sbin/policy-rc.d 2>/dev/null || echo none)"
      echo "program: $(ls /usr/sbin/sshd)"
      echo "running: $(ls /run/sshd.pid 2>/dev/null || echo none)"
    `);
    assert.deepEqual(found, [
      'ssh.service: /dev/null',
      'ssh.socket: /dev/null',
      'policy: none',
      'program: /usr/sbin/sshd',
      'running: none',
    ]);
  }).timeout(180_000);

  it('leaves a server alone that the user has', async () => {
    const found = await onAnImage(`
      rm -f /etc/systemd/system/ssh.*
      mkdir -p /lib/systemd/system && echo '[Unit]' >/lib/systemd/system/ssh.service
      sh /bootstrap/install-packages.sh openssh-server no-such-package >&2 || echo "status: $?"
      echo "units: $(ls /etc/systemd/system | grep -c '^ssh' || :)"
    `);
    assert.deepEqual(found, ['status: 1', 'units: 0']);
  }).timeout(60_000);
});

async function onAnImage(script: string): Promise<readonly string[]> {
  const args = ['--mount', '--propagation', 'private', '--', 'sh', '-c', ON_AN_IMAGE, 'sh', BOOTSTRAP, script];
  const { stdout } = await promisify(execFile)('unshare', args, { maxBuffer: 2 ** 24 });
  return stdout.trimEnd().split('\n');
}
