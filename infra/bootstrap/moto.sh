# Sourced: moto, which stands in for Amazon's cold storage in the tests: storage classes that must be thawed first, and
# vaults. Nothing of it is installed on the machine: it lies in the cache of this user, for the machine's own python3.

moto_version=5.2.5
moto_cached=$cache/moto-$moto_version

# Renamed into place when all of it is there.
find_moto() {
  [ -d "$moto_cached" ]
}

install_moto() {
  make_folder moto
  say "moto $moto_version for the tests of cold storage, into $moto_cached (PyPI: moto and what it needs, 30 MB)"
  python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  # Every package is named with its version, so none is looked up that nobody chose.
  python3 -m pip install --quiet --no-deps --only-binary=:all: --disable-pip-version-check --root-user-action=ignore \
    --requirement "$bootstrap/moto.txt" --target "$made/moto" >&2 || fail 1 'moto could not be had; what failed is above'
  PYTHONPATH=$made/moto python3 -c 'import moto.server, moto.s3.models, moto.glacier.models' ||
    fail 1 'moto was installed, but it does not run here'
  # Pins keep its own version in two files; they must not part.
  [ -d "$made/moto/moto-$moto_version.dist-info" ] || fail 1 "infra/bootstrap/moto.txt has another moto than $moto_version"
  mv "$made/moto" "$moto_cached"
  drop_folder
}
