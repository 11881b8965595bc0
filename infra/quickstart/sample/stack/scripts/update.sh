#!/bin/sh
# Pulls newer images and restarts what changed.
set -eu
cd "$(dirname "$0")/.."
docker compose pull --quiet
docker compose up --detach --remove-orphans
docker image prune --force
