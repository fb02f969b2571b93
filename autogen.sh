#!/bin/sh
# Generates ./configure.
set -eu
cd "$(dirname "$0")"
autoreconf --install --force
