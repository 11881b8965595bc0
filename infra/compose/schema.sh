#!/bin/sh
# The databases of Temporal, and their schema at the version of the image. Run again it does what is left to do.
set -eu
SQL_PASSWORD=$(cat /run/secrets/postgres)
export SQL_PASSWORD

# prepare DATABASE FOLDER
prepare() {
  database() { temporal-sql-tool --plugin postgres12 --ep postgresql -p 5432 -u temporal --db "$@"; }
  # One that is there is left as it is.
  database "$1" create
  database "$1" setup-schema -v 0.0
  database "$1" update-schema -d "/etc/temporal/schema/postgresql/v12/$2/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
