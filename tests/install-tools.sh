#!/usr/bin/env bash
# Installs what the tests run besides Python: a browser where there is none, and Go tools, once a version, outside the
# repository.
set -euo pipefail
cd "$(dirname "$0")/.."

browser() { command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1; }

if [[ -z $(browser) && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null || true
fi
if [[ -z $(browser) ]]; then
  echo "NOT INSTALLED: Chromium is missing, so the tests of the page in a browser cannot run" >&2
  [[ ${CI:-} != true ]]
fi
if ! command -v go >/dev/null; then
  echo "NOT INSTALLED: Go is missing, so the tests against a real S3 server and those of the chart cannot run" >&2
  [[ ${CI:-} != true ]]
  exit
fi
tests/cluster/cluster.sh test-tools
.venv/bin/python tests/chart/chart_tools.py
