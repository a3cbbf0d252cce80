#!/usr/bin/env bash
# Installs the real S3 server that the integration tests run against, once a version, outside the repository.
set -euo pipefail

version=v1.8.0
cache=${VA_TUNING_CACHE:-$HOME/.cache/va-tuning}/versitygw-$version

if [ -x "$cache/versitygw" ]; then
    exit 0
fi
if ! command -v go >/dev/null; then
    echo "tests/install-tools.sh: Go is missing; the tests against a real S3 server cannot run" >&2
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
mkdir -p "$cache"
GOBIN=$cache go install "github.com/versity/versitygw/cmd/versitygw@$version"
