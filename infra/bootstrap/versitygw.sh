# Sourced: versitygw, an S3 server over a folder: the sample and the tests copy to it.

versitygw_version=1.8.0
versitygw_cached=$cache/versitygw-$versitygw_version

# Sets VERSITYGW where one is here: the caller's choice, one on the PATH, the cached copy.
find_versitygw() {
  if [ -n "${VERSITYGW:-}" ]; then
    named=$VERSITYGW
    VERSITYGW=$(command -v "$named") || fail 4 "VERSITYGW names no program: $named"
    return
  fi
  VERSITYGW=$(command -v versitygw) && return
  VERSITYGW=$versitygw_cached
  [ -x "$VERSITYGW" ] || { VERSITYGW= && return 1; }
}

install_versitygw() {
  make_folder versitygw
  build_with_go "versitygw $versitygw_version, the S3 server of the sample and the tests," \
    "github.com/versity/versitygw/cmd/versitygw@v$versitygw_version" '1 to 2 minutes' ||
    fail 1 'versitygw could not be had; what failed is above. Or put one on the PATH'
  "$made/versitygw" --version >/dev/null || fail 1 'the versitygw that was installed does not run here'
  mv "$made/versitygw" "$versitygw_cached"
  drop_folder
  VERSITYGW=$versitygw_cached
}
