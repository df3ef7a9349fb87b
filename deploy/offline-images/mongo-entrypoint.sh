#!/bin/sh
# As in the official image, options alone mean mongod, and mongod listens outside the container unless told otherwise.
set -eu
case "$1" in -*) set -- mongod "$@" ;; esac
if [ "$1" = mongod ]; then
    case " $* " in
        *" --bind_ip"*) ;;
        *) set -- "$@" --bind_ip_all ;;
    esac
fi
exec "$@"
