#!/usr/bin/env bash
# Installs the Go tools that the tests run: once a version, outside the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v go >/dev/null; then
  echo "NOT INSTALLED: Go is missing, so the tests against a real S3 server and those of the chart cannot run" >&2
  [[ ${CI:-} != true ]]
  exit
fi
tests/cluster/cluster.sh test-tools
.venv/bin/python tests/chart/chart_tools.py
