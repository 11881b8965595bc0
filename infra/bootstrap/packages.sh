# Sourced: programs of the machine. They are looked for by name, so what came from elsewhere than Debian's
# archive counts too, and a program that was removed later is noticed.

# missing_needs SET: the packages that lack, one a line. Of the clients only those for the types in $types.
missing_needs() {
  [ "$1" != none ] || return 0
  found_set=no
  while read -r of program package _; do
    case $of in
      '#'* | '') continue ;;
      client:*)
        [ "$1" != client ] || case " $types " in *" ${of#client:} "*) ;; *) continue ;; esac
        of=client
        ;;
    esac
    # Sets come in their order: the first line after the wanted one ends the search.
    if [ "$of" = "$1" ]; then found_set=yes; elif [ $found_set = yes ]; then break; fi
    has_program "$program" || printf '%s\n' "$package"
  done <"$bootstrap/needs.txt"
}

has_program() {
  case $1 in
    postgresql:*)
      for file in /usr/lib/postgresql/*/bin/"${1#postgresql:}"; do
        [ -x "$file" ] && return
      done
      ;;
  esac
  command -v "${1#postgresql:}" >/dev/null 2>&1
}

# install_needs SET
install_needs() {
  packages=$(missing_needs "$1" | sort -u)
  [ -n "$packages" ] || return 0
  install_packages $packages
  still=$(missing_needs "$1" | sort -u | tr '\n' ' ')
  [ -z "$still" ] || fail 1 "installed, but its programs are not found: $still"
}

# install_packages PACKAGE…: by root or sudo without a password; else says the one command and exits 4.
install_packages() {
  for package; do
    say "missing: $package, which $(reason_for "$package")"
  done
  command -v apt-get >/dev/null 2>&1 || refuse_without_apt "$@"
  if [ "$(id -u)" = 0 ]; then
    sh "$bootstrap/install-packages.sh" "$@" || exit $?
  elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo -n sh "$bootstrap/install-packages.sh" "$@" || exit $?
  else
    command="sh $bootstrap/install-packages.sh $*"
    if command -v sudo >/dev/null 2>&1; then command="sudo $command"; else command="su -c '$command'"; fi
    refuse 'this user may not install Debian packages' "$command"
  fi
}

# refuse WHY COMMAND
refuse() {
  say "$1. Run this, then start again:"
  printf '\n  %s\n\n' "$2" >&2
  exit 4
}

reason_for() {
  while read -r _ _ package reason; do
    [ "$package" != "$1" ] || { printf '%s' "$reason" && return; }
  done <"$bootstrap/needs.txt"
  printf 'the set-up itself uses'
}

# The names elsewhere are near enough to Debian's to be a help; nothing but Debian's was tried.
refuse_without_apt() {
  names=$(printf '%s ' "$@" | sed 's/perl-base/perl/; s/libcap2-bin/libcap/; s/postgresql-client/postgresql/; s/ $//')
  for manager in dnf zypper pacman apk; do
    command -v $manager >/dev/null 2>&1 || continue
    case $manager in pacman) verb=-S ;; apk) verb=add ;; *) verb=install ;; esac
    refuse 'only Debian packages are installed by this program' "$manager $verb $names"
  done
  fail 4 "this machine has no apt-get: install these with its own package manager, then start again: $names"
}
