#!/bin/sh
# The namespace of the site: one site, one namespace. Closed runs stay visible for 90 days; backups know nothing of that.
set -eu

operator() {
  temporal operator "$@" --address temporal:7233 --tls-server-name temporal \
    --tls-ca-path /certs/ca.pem --tls-cert-path /certs/client.pem --tls-key-path /certs/client.key
}

operator namespace describe --namespace "$NAMESPACE" >/dev/null 2>&1 ||
  operator namespace create --namespace "$NAMESPACE" --retention 90d
