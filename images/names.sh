# shellcheck shell=bash
# What the two images are called and which versions they have. Sourced, not run.

images_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$images_dir")
tuner_version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$repository/pyproject.toml")
store_version=$(sed -n 's|.*github.com/versity/versitygw v\([0-9.]*\).*|\1|p' "$images_dir/store/go.mod")
# Every name says its registry: one without is a name at the public one, where it may be anybody's.
# `localhost` is no registry: such images are loaded into nodes. The tags are what the chart asks for.
registry=${VA_TUNING_REGISTRY:-localhost}
tuner_image=${VA_TUNING_TUNER_IMAGE:-$registry/va-tuning/tuner:$tuner_version}
store_image=$registry/va-tuning/versitygw:$store_version

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# names_registry IMAGE: whether its first part is a host, by the rule that docker and containerd go by.
names_registry() { [[ $1 =~ ^(localhost|[^/]*[.:][^/]*)/ ]]; }

check_image_names() {
  local image
  for image in "$tuner_image" "$store_image"; do
    names_registry "$image" ||
      die "an image's name must begin with a registry's host" \
        "(registry.example.org/team/…, localhost/…); found '$image'"
  done
}
