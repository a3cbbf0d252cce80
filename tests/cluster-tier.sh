#!/usr/bin/env bash
# The end-to-end tests on a kind cluster. A cluster that is not there yet is made for them and deleted afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
export VA_TUNING_PYTHON=${VA_TUNING_PYTHON:-$PWD/.venv/bin/python}

possible() { docker info >/dev/null 2>&1 || [[ $(uname -s) == Linux && $(id -u) -eq 0 && -x $(command -v apt-get) ]]; }

if ! possible; then
  echo "NOT RUN: tests/e2e, which needs a container engine (docker), or root on Debian so that one can be started" >&2
  [[ ${CI:-} != true ]]
  exit
fi
already=$(tests/cluster/cluster.sh status 2>&1 || true)
if [[ $already != *control-plane* ]]; then
  trap 'tests/cluster/cluster.sh down' EXIT
fi
tests/cluster/cluster.sh up load
.venv/bin/pytest --timeout 1800 tests/e2e "$@"
