#!/bin/sh
# Gives the engine the images that docker-compose.yml starts from. What is missing is pulled, and where no image
# registry answers it is built from Debian's packages under the same name. Development and CI only: see README.md.
#
# usage: deploy/offline-images/build.sh     (root, Debian 12 or newer; DOCKER_HOST picks the engine)
#   STILLPOINT_PULL=never    builds at once, without asking a registry
set -eu

here=$(cd "$(dirname "$0")" && pwd)
base=stillpoint/offline-base:trixie
host_certificates=/etc/ssl/certs/ca-certificates.crt

main() {
    for image in python:3.13-slim rabbitmq:4-management mongo:8 caddy:2 prom/prometheus:v2.53.3 prom/alertmanager:v0.28.1; do
        present "$image" || pulled "$image" || build "$image"
    done
}

present() { docker image inspect "$1" >/dev/null 2>&1; }

# One refusal is enough to know that there is no registry.
pulled() {
    [ "${STILLPOINT_PULL:-try}" != never ] || return 1
    echo "pulling $1"
    timeout 300 docker pull --quiet "$1" || { STILLPOINT_PULL=never && return 1; }
}

build() {
    present "$base" || build_base
    echo "building a stand-in for $1"
    name=${1##*/}
    DOCKER_BUILDKIT=0 quietly docker build --tag "$1" --file "$here/${name%%:*}.Dockerfile" \
        --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy "$here"
}

# The host's certificates and pip's index go in because package access may lead through a mirror of the host's own.
build_base() {
    echo "building $base (half a minute)"
    installed debootstrap debian-archive-keyring
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    chmod 755 "$root"
    # shellcheck disable=SC2016 # apt fills it in, not the shell
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    quietly debootstrap --variant=minbase --include=ca-certificates trixie "$root" ${mirror:+"$mirror"}
    rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    [ ! -f "$host_certificates" ] || cp "$host_certificates" "$root$host_certificates"
    index=$(pip_setting index-url "${PIP_INDEX_URL:-}")
    printf '[global]\ncert = %s\n%s' "$host_certificates" "${index:+index-url = $index
}" >"$root/etc/pip.conf"
    tar -C "$root" -c . | docker import --change "LABEL stillpoint.stand-in=true" - "$base" >/dev/null
    rm -rf "$root"
}

pip_setting() { [ -n "$2" ] && echo "$2" || python3 -m pip config get "global.$1" 2>/dev/null || true; }

quietly() {
    log=$(mktemp)
    "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2 && exit 1; }
    rm -f "$log"
}

installed() {
    dpkg -s "$@" >/dev/null 2>&1 && return
    [ "$(id -u)" = 0 ] || { echo "Needs packages. Run: sudo apt-get install $*" >&2 && exit 1; }
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

main
