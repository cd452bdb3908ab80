#!/bin/sh
# Makes sure that a Chromium is here, which the tests of Studio drive.
set -eu
cd "$(dirname "$0")"

if command -v chromium-headless-shell >/dev/null; then
    exit 0
fi
./install_packages.sh chromium-headless-shell || command -v chromium >/dev/null
