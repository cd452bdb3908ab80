#!/bin/sh
# Installs the named Debian packages without questions, or says which are missing.
set -eu

if ! command -v apt-get >/dev/null; then
    echo "Growbase needs these packages, please install them: $*" >&2
    exit 1
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "Growbase needs these packages, please install them: sudo apt-get install $*" >&2
        exit 1
    fi
    as_root="sudo -n"
fi

echo "Installing $* ..."
install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! $install "$@" >"$log" 2>&1; then
    # A fresh image has no package lists, an old one has stale ones.
    { $as_root apt-get update --quiet && $install "$@"; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
# Upgrading systemd in a container was seen to take /dev/null from everybody but root; PostgreSQL does not start then.
[ "$(stat -c %a /dev/null)" = 666 ] || $as_root chmod 666 /dev/null
