#!/bin/sh
# Makes every secret that docker-compose.yml mounts and that is not there yet; changes none. Run it before the first `up`.
#
# usage: deploy/secrets.sh [FOLDER]      (default: ./secrets)
#
# Only the folder's owner may enter it. The files in it are readable, because the engine mounts each one into a
# container that runs as another user.
set -eu

folder=${1:-${STILLPOINT_SECRETS:-secrets}}
umask 077
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

main() {
    random signing_key 32
    # Empty but while the signing key is changed; RUNBOOK.md says how.
    empty earlier_signing_keys
    random operator_key 32
    # Without it nobody can read the answers to health questions again: keep a copy somewhere else.
    keep screening_master_key "$(head -c 96 /dev/urandom | base64 | tr -d '\n')"
    # Empty but while the master key is changed; RUNBOOK.md says how.
    empty screening_earlier_master_keys
    # Without it nobody knows any more who said STOP.
    random number_key 32
    # Without it nobody reads what clients texted in their own words in the last 30 days.
    random words_key 32
    # The token of the demo's phone. With a Twilio account, its own auth token takes this one's place.
    random twilio_auth_token 16

    random mongo_keyfile 128
    random mongo_root_password 24
    for service in booking screening notify; do
        keep "${service}_mongo_url" "mongodb://$service:$(hex 24)@mongo:27017/?authSource=admin&replicaSet=rs0"
    done

    password=$(hex 24)
    keep rabbitmq_administrator.conf "default_user = administrator
default_pass = $password"
    keep rabbit_management_url "http://administrator:$(found default_pass rabbitmq_administrator.conf)@rabbitmq:15672"
    keep rabbit_url "amqp://stillpoint:$(hex 24)@rabbitmq:5672/stillpoint"
}

random() { keep "$1" "$(hex "$2")"; }

hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

found() { sed -n "s/^$1 = //p" "$2"; }

empty() {
    [ ! -e "$1" ] || return 0
    : >"$1"
    chmod 444 "$1"
}

keep() {
    [ ! -s "$1" ] || return 0
    printf '%s\n' "$2" >"$1"
    chmod 444 "$1"
    echo "made $folder/$1"
}

main
