#!/bin/sh
# make-certificates.sh FOLDER NAME…: an authority of our own, the server's certificate for these names, and one for clients.
# What is there is left alone: to make one anew, remove its .pem first. ca.key is needed for that alone: keep it elsewhere.
set -eu
umask 077
[ $# -ge 2 ] || { echo "usage: $0 FOLDER NAME…" >&2; exit 2; }
folder=$1
shift
mkdir -p "$folder"
cd "$folder"

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

if [ ! -e ca.pem ]; then
  new_key ca.key
  openssl req -x509 -new -key ca.key -subj '/CN=mosaic-backup Temporal CA' -days 3650 -out ca.pem
fi

# sign WHAT USAGE [NAMES]
sign() {
  [ ! -e "$1.pem" ] || return 0
  new_key "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
  {
    echo "extendedKeyUsage=$2"
    [ $# -lt 3 ] || echo "subjectAltName=$3"
  } >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile "$1.ext" -out "$1.pem"
  rm "$1.csr" "$1.ext"
}

names=
for name; do names="${names:+$names,}DNS:$name"; done
# Servers of one cluster are each other's clients too.
sign server serverAuth,clientAuth "$names"
sign client clientAuth
chmod 644 ca.pem server.pem client.pem
# Containers run as users of their own, and are given this group.
[ "$(id -u)" != 0 ] || { chgrp 1000 server.key client.key && chmod 640 server.key client.key; }
