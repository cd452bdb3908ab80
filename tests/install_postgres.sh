#!/bin/sh
# Makes sure that PostgreSQL's programs are here. The tests start a server of their own, so none is started.
set -eu
cd "$(dirname "$0")"

if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null; then
    exit 0
fi
if command -v apt-get >/dev/null && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    ./install_packages.sh postgresql-common
    conf=/etc/postgresql-common/createcluster.conf
    quiet="s/^#* *create_main_cluster *=.*/create_main_cluster = false/"
    if [ "$(id -u)" -eq 0 ]; then sed -i "$quiet" "$conf"; else sudo -n sed -i "$quiet" "$conf"; fi
fi
./install_packages.sh postgresql-15
