# Sourced: the product's libraries, and with them the Node that runs it.

# The stamp holds the digest of the lock file that was installed, and the path of the Node to use. It lies
# inside node_modules, so that it goes when they go.
stamp=$root/node_modules/.mosaic-backup-stamp
oldest_node=24

# Sets `node` where all is as the lock file says.
node_modules_fit() {
  { read -r stamped && read -r node; } 2>/dev/null <"$stamp" || return 1
  [ "$stamped" = "$(lock_digest)" ] && [ -x "$node" ]
}

lock_digest() {
  digest=$(sha256sum "$root/package-lock.json") && printf '%s' "${digest%% *}"
}

set_up_node_modules() {
  own_node=$(machine_node) || fail 4 "no Node is on the PATH: install Node 18 or newer together with npm"
  if ! "$own_node" "$bootstrap/compare-lock.mjs" "$root"; then
    say 'installing node_modules (npm ci): the libraries that the lock file names, and Node 24'
    npm_ci >"$cache/npm.log" 2>&1 || {
      # Its first lines name the cause; after them it prints its usage.
      head -n 12 "$cache/npm.log" >&2
      fail 1 "npm ci failed; all that it said is in $cache/npm.log"
    }
  fi
  node=$(choose_node "$own_node") ||
    fail 4 "Node $oldest_node or newer is needed, npm has none for $(uname -m) here, and this machine's is $("$own_node" --version): install a newer one"
  printf '%s\n%s\n' "$(lock_digest)" "$node" >"$stamp.new"
  mv "$stamp.new" "$stamp"
}

# npm's own Node may be the one in node_modules, which npm ci is about to delete: take the machine's.
npm_ci() (
  cd "$root"
  PATH=$(path_without_modules)
  export PATH
  if [ -n "${npm_execpath:-}" ] && [ -f "$npm_execpath" ]; then
    set -- "$own_node" "$npm_execpath"
  else
    set -- npm
  fi
  "$@" ci --no-audit --no-fund --no-progress --loglevel=error
)

# The Node of npm's package for this machine if it runs here, else the machine's where it is new enough.
choose_node() {
  for candidate in "$root"/node_modules/node-linux-*/bin/node "$1"; do
    version=$("$candidate" --version 2>/dev/null) || continue
    version=${version#v}
    [ "${version%%.*}" -ge $oldest_node ] && printf '%s' "$candidate" && return
  done
  return 1
}

machine_node() (
  PATH=$(path_without_modules)
  command -v node
)

# npm puts node_modules/.bin of this folder and of those above it first.
path_without_modules() {
  printf '%s' "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin$' | paste -sd: -
}
