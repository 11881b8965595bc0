# Sourced: the Temporal CLI, which is also the embedded server and its Web UI.

temporal_version=1.5.1
temporal_cached=$cache/temporal-$temporal_version

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
  make_folder temporal
  download_temporal || build_temporal || fail 1 'the Temporal CLI could not be had; what failed is above. Or put one on the PATH'
  "$made/temporal" --version >/dev/null || fail 1 'the Temporal CLI that was installed does not run here'
  mv "$made/temporal" "$temporal_cached"
  drop_folder
  TEMPORAL_CLI=$temporal_cached
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

build_temporal() {
  build_with_go "the Temporal CLI $temporal_version" "github.com/temporalio/cli/cmd/temporal@v$temporal_version" '3 to 5 minutes'
}
