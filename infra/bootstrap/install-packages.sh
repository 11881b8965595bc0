#!/bin/sh
# Installs Debian packages, as root: install-packages.sh PACKAGE…
#
# `postgresql-client` and `postgresql-server` stand for the packages of one major version. A PostgreSQL server
# is installed as a program only: without its default cluster and with its services masked, both before the
# install, so that it takes no port of this machine, now or at the next boot. So is a Redis server, whose package
# would start one on port 6379, the Docker Engine, which would change the firewall, and sshd, which would open the machine. Nothing is upgraded or removed.
set -eu

bootstrap=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
. "$bootstrap/say.sh"

preferred_postgresql=15
lock_wait=600
policy=/usr/sbin/policy-rc.d
marker='# Written by the set-up of mosaic-backup, for the time of one install.'
units=/etc/systemd/system

[ $# -gt 0 ] || fail 2 'usage: install-packages.sh PACKAGE…'
[ "$(id -u)" = 0 ] || fail 4 'only root may install packages'

log=$(mktemp)
trap 'end' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

end() {
  rm -f "$log"
  allow_services
}

# apt ARGUMENT…: waits for another package manager, which may be at work just after boot.
apt() {
  waited=0
  until DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o Dpkg::Use-Pty=0 "$@" </dev/null >"$log" 2>&1; do
    grep -q 'Could not get lock\|Unable to acquire the dpkg' "$log" || return 1
    [ $waited -lt $lock_wait ] || return 1
    [ $waited -gt 0 ] || say "another package manager is at work: waiting for it ($(grep -o 'process [0-9]* ([^)]*)' "$log" | head -n 1))"
    sleep 2
    waited=$((waited + 2))
  done
}

# The package manager would start what it installs; until we are done it may not.
forbid_services() {
  [ ! -e "$policy" ] || return 0
  printf '#!/bin/sh\n%s\nexit 101\n' "$marker" >"$policy.mosaic-backup"
  chmod 755 "$policy.mosaic-backup"
  mv "$policy.mosaic-backup" "$policy"
}

# Removes our own policy only; also one that a killed run left behind.
allow_services() {
  if [ -f "$policy" ] && grep -qxF "$marker" "$policy"; then rm -f "$policy"; fi
}

# mask UNIT…
mask() {
  mkdir -p "$units"
  for unit; do
    [ -e "$units/$unit" ] || [ -L "$units/$unit" ] || ln -s /dev/null "$units/$unit"
  done
}

# Leaves a server alone that the user has already: its unit is there before us.
keep_postgresql_off() {
  [ ! -e /lib/systemd/system/postgresql.service ] || return 0
  mkdir -p /etc/postgresql-common/createcluster.d
  mask postgresql.service postgresql@.service
  printf '%s\n%s\n' \
    '# Written by mosaic-backup, which wants the programs of PostgreSQL and no server of its own on this machine.' \
    'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/mosaic-backup.conf
  say 'PostgreSQL is installed without a cluster and with its services masked. To use it yourself one day:'
  say '  rm /etc/postgresql-common/createcluster.d/mosaic-backup.conf; systemctl unmask postgresql.service postgresql@.service; pg_createcluster VERSION main --start'
}

# As above. `redis.service` is an alias that the package makes, of a unit that is masked.
keep_redis_off() {
  [ ! -e /lib/systemd/system/redis-server.service ] || return 0
  mask redis-server.service redis-server@.service
  say 'Redis is installed with its services masked. To use it yourself one day:'
  say '  systemctl unmask redis-server.service redis-server@.service; systemctl enable --now redis-server.service'
}

# As above. containerd comes as a package of its own, and somebody may have it without Docker.
keep_docker_off() {
  [ ! -e /lib/systemd/system/docker.service ] || return 0
  mask docker.service docker.socket
  [ -e /lib/systemd/system/containerd.service ] || mask containerd.service
  say 'The Docker Engine is installed with its services masked. To use it yourself one day:'
  say '  systemctl unmask docker.service docker.socket containerd.service; systemctl enable --now containerd.service docker.socket docker.service'
}

# As above. Nobody asked for a way into this machine.
keep_sshd_off() {
  [ ! -e /lib/systemd/system/ssh.service ] || return 0
  mask ssh.service ssh.socket
  say 'sshd is installed with its services masked. To use it yourself one day:'
  say '  systemctl unmask ssh.service ssh.socket; systemctl enable --now ssh.service'
}

# The major version whose programs are here already, else the preferred one, else the newest of the archive.
postgresql_version() {
  for file in /usr/lib/postgresql/*/bin/pg_basebackup; do
    [ -x "$file" ] && here=${file#/usr/lib/postgresql/} && here=${here%%/*}
  done
  versions=$(LC_ALL=C apt-cache pkgnames postgresql-client- | sed -n 's/^postgresql-client-\([0-9]*\)$/\1/p' | sort -n)
  for version in ${here:-} $preferred_postgresql $(printf '%s' "$versions" | tail -n 1); do
    printf '%s\n' "$versions" | grep -qx "$version" && printf '%s' "$version" && return
  done
  return 1
}

# resolve PACKAGE: its name in the archive.
resolve() {
  case $1 in
    postgresql-client) printf 'postgresql-client-%s' "$postgresql" ;;
    postgresql-server) printf 'postgresql-%s' "$postgresql" ;;
    *) printf '%s' "$1" ;;
  esac
}

allow_services
say 'reading the package lists (apt-get update)'
# A broken third repository of the user's is no reason to give up: what matters shows when installing.
apt update || say "apt-get update had problems: $(grep -m 1 '^[EW]:' "$log" || tail -n 1 "$log")"

wanted=
for package; do
  case $package in
    postgresql-*) postgresql=${postgresql:-$(postgresql_version)} || fail 1 'no package of PostgreSQL is in the archives of this machine' ;;
  esac
  wanted="$wanted $(resolve "$package")"
done

forbid_services
case " $* " in *' postgresql-server '*) keep_postgresql_off ;; esac
case " $* " in *' redis-server '*) keep_redis_off ;; esac
case " $* " in *' docker.io '*) keep_docker_off ;; esac
case " $* " in *' openssh-server '*) keep_sshd_off ;; esac
say "installing Debian packages:$wanted"
# shellcheck disable=SC2086 # a list of names
if ! apt install --yes --no-install-recommends --no-remove --no-upgrade $wanted; then
  tail -n 20 "$log" >&2
  if grep -q 'Failed to fetch\|Could not resolve\|Unable to connect' "$log"; then fail 8 'the package archive could not be reached'; fi
  fail 1 "apt-get could not install:$wanted"
fi
