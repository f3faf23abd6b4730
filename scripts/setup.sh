#!/bin/sh
# Makes .venv from the locked requirements. `make setup` runs it; it is safe to run again.
set -eu
cd "$(dirname "$0")/.."

fits='import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'

find_python() {
    # Ask each to run: a pyenv shim exists for versions that are not active, too.
    for candidate in ${PYTHON:-python3.12 python3.11 python3}; do
        if "$candidate" -c "$fits" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    # One that uv installed lies in a folder of uv's own.
    [ -n "${PYTHON:-}" ] || uv python find --no-project '>=3.11,<3.13' 2>/dev/null && return
    echo "setup: no Python 3.11 or 3.12 with venv found (tried: ${PYTHON:-python3.12 python3.11 python3})." >&2
    echo "Install one (on Debian: apt-get install python3 python3-venv; anywhere: uv python install 3.12," >&2
    echo "with uv from https://docs.astral.sh/uv/) or name it: make setup PYTHON=/path/to/python3.12" >&2
    return 2
}

python=$(find_python)
if ! .venv/bin/python -c "$fits; import pip" >/dev/null 2>&1; then
    "$python" -m venv --clear .venv
fi

pip='.venv/bin/python -m pip --disable-pip-version-check -q -q'
# uv fetches several packages at once; it does as the lock says, like pip.
if uv --version >/dev/null 2>&1; then install='uv pip install -q --python .venv/bin/python'; else
    install="$pip install --no-compile"; fi
echo "Installing the locked requirements into .venv ($(.venv/bin/python --version)); a few minutes the first time."
echo "It downloads 0.5 GB, and torch: 0.2 GB without CUDA, 2.7 GB with it (PyPI's build for Linux)."
$install --require-hashes --no-deps -r requirements/dev.lock
# A build of torch without CUDA, where pip has been told of an index or a folder that has one; else
# PyPI's, which on Linux asks for CUDA's libraries.
if ! $pip install --no-compile --require-hashes --no-deps -r requirements/torch-cpu.lock 2>/dev/null; then
    $install --require-hashes --no-deps -r requirements/torch.lock
    [ "$(uname)" != Linux ] || $install --require-hashes --no-deps -r requirements/cuda.lock
fi
$pip install --no-compile --no-deps --no-build-isolation --editable .
# Without bytecode every import costs several times more; pip compiles on one core only.
.venv/bin/python -m compileall -q -j 0 .venv/lib >/dev/null || true
