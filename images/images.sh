#!/usr/bin/env bash
# The tuner's and the object store's image: `make images push REGISTRY=registry.example.org/team`.
set -euo pipefail
# shellcheck source=names.sh
source "$(dirname "${BASH_SOURCE[0]}")/names.sh"

usage() {
  cat <<END
Usage: images/images.sh COMMAND…
  build    build $tuner_image
           and   $store_image
  push     push both to their registry

VA_TUNING_REGISTRY names the registry, as in registry.example.org/team. The bases come from public
registries; where none can be reached, see docs/air-gapped.md.
END
}

build() {
  docker build --file "$images_dir/tuner/Dockerfile" --build-arg VERSION="$tuner_version" \
    --tag "$tuner_image" "$repository"
  docker build --build-arg VERSION="$store_version" --tag "$store_image" "$images_dir/store"
}

push() {
  [[ $registry != localhost ]] ||
    die "REGISTRY must name the registry to push to, as in registry.example.org/team"
  docker push "$tuner_image"
  docker push "$store_image"
}

for command in "$@"; do
  case $command in
    build | push) ;;
    -h | --help) usage && exit ;;
    *) die "the command must be build or push; found '$command'" ;;
  esac
done
[[ $# -gt 0 ]] || { usage >&2; exit 2; }
check_image_names
command -v docker >/dev/null || die "the command 'docker' must be on PATH; install docker"
for command in "$@"; do "$command"; done
