#!/bin/sh
# Make the secrets that compose.yaml wants, in the folder secrets beside it; those that are there stay.
set -eu
umask 077

cd "$(dirname "$0")"
folder=${1:-secrets}
mkdir -p "$folder"
cd "$folder"

# Others may read the files, nobody may enter the folder: in a container each file stands alone, for another user.
keep() {
    if [ ! -s "$1" ]; then
        cat > "$1.new"
        chmod 0444 "$1.new"
        mv "$1.new" "$1"
        echo "made $1"
    fi
}
random() { openssl rand -hex 24; }

random | keep postgres_password
random | keep redis_password
random | keep s3_secret_access_key
openssl rand -base64 48 | keep secret_key
echo "k1:$(openssl rand -base64 32)" | keep encryption_keys

postgres=$(cat postgres_password)
echo "postgresql://growbase:$postgres@pgbouncer:6432/growbase" | keep database_url
echo "postgresql://growbase:$postgres@postgres:5432/growbase" | keep direct_url
echo "\"growbase\" \"$postgres\"" | keep pgbouncer_users
echo "redis://:$(cat redis_password)@redis:6379/0" | keep redis_url
keep s3_identities <<END
{"identities": [{"name": "growbase", "actions": ["Admin", "Read", "Write", "List", "Tagging"],
  "credentials": [{"accessKey": "growbase", "secretKey": "$(cat s3_secret_access_key)"}]}]}
END
