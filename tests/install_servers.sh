#!/bin/sh
# Makes sure that Redis and PgBouncer are here. The tests start their own; Debian's services are not to be started.
set -eu
cd "$(dirname "$0")"

missing=""
command -v redis-server >/dev/null || missing="redis-server"
PATH="$PATH:/usr/sbin" command -v pgbouncer >/dev/null || missing="$missing pgbouncer"
[ -n "$missing" ] || exit 0

# Packages ask this program whether they may start what they bring (101: no); a machine may have its own already.
policy=/usr/sbin/policy-rc.d
as_root=""
[ "$(id -u)" -eq 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null && [ ! -e "$policy" ] && $as_root true 2>/dev/null; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    trap '$as_root rm -f "$policy"' EXIT
fi
# shellcheck disable=SC2086 -- a list of names
./install_packages.sh $missing
