#!/usr/bin/env bash
# Installs what is missing: Debian packages (as root or with sudo), the virtual environment, the locked Python packages.
# usage: setup.sh REQUIREMENTS
set -euo pipefail
cd "$(dirname "$0")/../.."

requirements=$1
python=${PYTHON:-python3}

stop() {
    echo "$1" >&2
    exit 1
}

# apt-get starts no service with RUNLEVEL=1: the stack runs its own broker.
install() {
    if ((EUID == 0)); then
        as_root=(env)
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root=(sudo -n env)
    else
        stop "Missing packages need root once; run: sudo apt-get update && sudo apt-get install -y $*"
    fi
    echo "Installing $*"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

missing=()
command -v "$python" >/dev/null || missing+=(python3 python3-venv)
if command -v "$python" >/dev/null; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "Stillpoint needs Python 3.11 or newer; run: make $requirements PYTHON=/path/to/python3.11"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
fi
[[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || missing+=(rabbitmq-server)
# The mongod of the development packages is linked against it.
command -v mongod >/dev/null || /sbin/ldconfig -p | grep -q 'libcurl\.so\.4' || missing+=(libcurl4)
# The browser tests drive Debian's own; a browser that a package brings would have to be downloaded by it.
[[ $requirements != dev ]] || command -v chromium >/dev/null || missing+=(chromium)
# Lighthouse is a program for Node, and npm the one that fetches it.
[[ $requirements != dev ]] || command -v npm >/dev/null || missing+=(npm)
# promtool reads and tries the alert rules.
[[ $requirements != dev ]] || command -v promtool >/dev/null || missing+=(prometheus)
# kubectl renders what deploy/kubernetes would apply.
[[ $requirements != dev ]] || command -v kubectl >/dev/null || missing+=(kubernetes-client)

if ((${#missing[@]})); then
    command -v apt-get >/dev/null || stop "Install these with your package manager first: ${missing[*]}"
    install "${missing[@]}"
fi

[[ -x .venv/bin/pip ]] || "$python" -m venv .venv
echo "Installing the Python packages of requirements/$requirements.txt"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
    --requirement "requirements/$requirements.txt"

# The lock is copied last: it stands there when all that it names does.
locked=tests/browser/package-lock.json
if [[ $requirements == dev ]] && ! cmp -s "$locked" .venv/pages/installed.json; then
    echo "Installing the Node packages of $locked"
    mkdir -p .venv/pages
    cp tests/browser/package.json "$locked" .venv/pages/
    npm ci --prefix .venv/pages --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
    cp "$locked" .venv/pages/installed.json
fi
