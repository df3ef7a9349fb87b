#!/bin/sh
# Makes the secrets of three brokers and three databases, and lets the services know all of them. Run it again at will.
#
# usage: deploy/ha/grow.sh [FOLDER]      (default: ./secrets)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${STILLPOINT_SECRETS:-secrets}}
umask 077
"$here/../secrets.sh" "$folder"
cd "$folder"

changed() {
    sed "$2" "$1" >"$1.new"
    chmod 444 "$1.new"
    mv -f "$1.new" "$1"
}

if [ ! -s erlang_cookie ]; then
    od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' >erlang_cookie
    chmod 444 erlang_cookie
    echo "made $folder/erlang_cookie"
fi
for service in booking screening notify; do
    changed "${service}_mongo_url" 's#@mongo:27017/#@mongo:27017,mongo-2:27017,mongo-3:27017/#'
done
for url in rabbit_url rabbit_management_url; do
    changed "$url" 's#@rabbitmq:#@broker:#'
done
