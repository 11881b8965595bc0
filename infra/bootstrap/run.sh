#!/bin/sh
# The entry of every npm script: sets up what is missing on this machine, then becomes the job.
#
#   run.sh start|test|test:unit|test:faults|bench|histories|setup [arguments…]
#
# With nothing to set up it costs some milliseconds: whether node_modules fits the lock file is read from a
# stamp inside node_modules, and programs are looked up by name. Exit 4: something is missing that this user
# may not install; the one command that does it is printed.
set -eu

bootstrap=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=$(CDPATH='' cd -- "$bootstrap/../.." && pwd -P)
# Servers and administration programs lie where the PATH of an ordinary user does not look.
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mosaic-backup

. "$bootstrap/say.sh"
. "$bootstrap/node-modules.sh"
. "$bootstrap/packages.sh"
. "$bootstrap/go.sh"
. "$bootstrap/temporal.sh"
. "$bootstrap/versitygw.sh"
. "$bootstrap/postgresql.sh"
. "$bootstrap/moto.sh"

all_types='postgres mariadb redis rsync'

# What a job needs: one of the sets of needs.txt, of the clients those for some types, and whether Temporal.
needs_of() {
  temporal=yes
  types=$all_types
  case $1 in
    start)
      set=sample
      shift
      before=
      for argument; do
        # A config of the user's own: its servers are his, so only client programs are wanted.
        case $before in -c | --config) types=$(types_in "$argument") ;; esac
        case $argument in
          -c | --config) set=client ;;
          --config=*) set=client types=$(types_in "${argument#--config=}") ;;
          -c?*) set=client types=$(types_in "${argument#-c}") ;;
          -h | --help) set=none temporal=no ;;
        esac
        before=$argument
      done
      ;;
    test | histories) set=test ;;
    # The benchmarks are tried out by it.
    test:faults) set=bench ;;
    test:unit) set=client temporal=no ;;
    bench) set=bench ;;
    setup)
      set=${2:-test}
      case $set in client | sample | test | bench) ;; *) usage ;; esac
      ;;
    *) usage ;;
  esac
}

# types_in FILE: the types of sources and destinations that a config has. All of them where it cannot be told: one program too many does
# no harm, and what is wrong with the file is told by the job.
types_in() {
  # npm changes into the checkout; a relative path is meant from where the user is.
  case $1 in /*) file=$1 ;; *) file=${INIT_CWD:-.}/$1 ;; esac
  found=
  for type in $all_types files; do
    if grep -Eqs "^[^#]*type[\"']?:[[:space:]]*[\"']?$type\\>" "$file"; then found="$found $type"; fi
  done
  printf '%s' "${found:-$all_types}"
}

# Versions of PostgreSQL that Debian lacks: the tests run on them, and the benchmark's incrementals.
wants_postgresql() {
  case $set in test | bench) ;; *) return 1 ;; esac
}

# Cold storage for the tests; the bench's set is that of test:faults as well.
wants_moto() {
  case $set in test | bench) ;; *) return 1 ;; esac
}

# An S3 server, for the sample and the tests. A config of the user's own has his.
wants_versitygw() {
  case $set in sample | test | bench) ;; *) return 1 ;; esac
}

usage() {
  echo 'usage: run.sh start|test|test:unit|test:faults|bench|histories [arguments…], or run.sh setup [client|sample|test|bench]' >&2
  exit 2
}

nothing_to_do() {
  node_modules_fit && [ -z "$(missing_needs "$set")" ] && { [ $temporal = no ] || find_temporal; } && { ! wants_versitygw || find_versitygw; } && { ! wants_postgresql || find_postgresql; } && { ! wants_moto || find_moto; }
}

set_up() {
  mkdir -p "$cache" 2>/dev/null || fail 4 "$cache cannot be made: name a folder of your own in XDG_CACHE_HOME"
  # One set-up at a time, for this checkout and for the cache of this user. The job itself holds no lock.
  exec 8<"$root" 9>"$cache/lock"
  lock 8 "$root"
  lock 9 "$cache"
  # What may need another user's rights comes first: a refusal leaves nothing half done.
  install_needs "$set"
  node_modules_fit || set_up_node_modules
  [ $temporal = no ] || find_temporal || install_temporal
  ! wants_versitygw || find_versitygw || install_versitygw
  ! wants_postgresql || find_postgresql || install_postgresql
  ! wants_moto || find_moto || install_moto
  exec 8<&- 9>&-
}

lock() {
  flock -n "$1" && return
  say "another set-up is at work in $2: waiting for it"
  flock "$1"
}

# Spec files that the caller named, or the given ones.
run_mocha() {
  specs=$1
  shift
  for argument; do
    case $argument in *.ts | test/*) specs= ;; esac
  done
  # shellcheck disable=SC2086 # several patterns, for mocha and not for the shell
  set -f && set -- $specs "$@" && set +f
  # Tests start thousands of programs, and each start copies the page tables of the whole process: it is kept small.
  export MALLOC_ARENA_MAX=1
  exec "$node" --max-semi-space-size=4 "$root/node_modules/mocha/bin/mocha.js" "$@"
}

[ $# -gt 0 ] || usage
job=$1
needs_of "$@"
shift
nothing_to_do || set_up
PATH=$root/node_modules/.bin:$(dirname -- "$node"):$PATH
export PATH
[ $temporal = no ] || export TEMPORAL_CLI
! wants_versitygw || export VERSITYGW
# As in infra/mosaic-backup: every process of a job starts with less to compile.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/node_modules/.cache/mosaic-backup}
export NODE_COMPILE_CACHE

case $job in
  start) exec "$node" "$root/infra/quickstart/main.ts" "$@" ;;
  setup) exit 0 ;;
esac
cd "$root"
case $job in
  # Files beside each other, the longest first: much of a test is waiting for servers and processes to start and end.
  test) run_mocha 'test/faults/**/*.test.ts test/!(faults)/**/*.test.ts test/*.test.ts' --parallel --jobs 3 "$@" ;;
  test:unit) run_mocha 'test/**/*.unit.test.ts' "$@" ;;
  # The matrix of faults whole, where `test` takes one of each kind.
  test:faults) MOSAIC_FAULTS=all && export MOSAIC_FAULTS && run_mocha 'test/faults/**/*.test.ts test/**/*.fault.ts' "$@" ;;
  bench) exec "$node" "$root/test/bench/main.ts" "$@" ;;
  # What runs of every workflow have done, recorded anew.
  histories) exec "$node" "$root/test/histories/record.ts" "$@" ;;
esac
