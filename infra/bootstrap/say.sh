# Sourced: how the set-up speaks. All of it goes to stderr; stdout is the job's.

say() {
  printf 'set-up: %s\n' "$*" >&2
}

# fail STATUS MESSAGE…
fail() {
  status=$1
  shift
  say "$*"
  exit "$status"
}
