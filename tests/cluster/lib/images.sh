# shellcheck shell=bash
# The images that run in the cluster, with or without a registry for their bases. Sourced, not run.

locks=("$images_dir"/tuner/{requirements,build}.lock)

build_images() {
  if [[ $image_source == registry ]]; then
    "$images_dir/images.sh" build
  else
    build_tuner_image
    one_program_image "$store_image" "$(built "versitygw-$store_version")/versitygw" \
      /usr/local/bin/versitygw 10001
  fi
}

# On the Python base that was built here, with wheels in the context.
build_tuner_image() {
  local context
  build_once "$(wheels_key)" download_wheels_into
  context=$(mktemp -d "$cache/built/.building-XXXXXX")
  cp -r "$repository"/{pyproject.toml,README.md,LICENSE,tuner_job} "$context/"
  find "$context" -name __pycache__ -prune -exec rm -rf {} +
  mkdir "$context/images"
  cp -r "$images_dir/tuner" "$context/images/"
  cp -rl "$(built "$(wheels_key)")" "$context/wheels"
  docker build --file "$context/images/tuner/Dockerfile" \
    --build-arg BASE_IMAGE="$python_base_image" --build-arg VERSION="$tuner_version" \
    --tag "$tuner_image" "$context"
  rm -rf "$context"
}

wheels_key() { printf 'wheels-%s' "$(recipe_digest "${locks[@]}")"; }

# The image has no way to a package index while it is built, so its wheels are fetched here, checked
# against the locks.
download_wheels_into() {
  local python=${VA_TUNING_PYTHON:-python3} version lock
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [[ $version == 3.11 ]] ||
    die "$python must be Python 3.11, as in the image; it is $version." \
      "Name another in VA_TUNING_PYTHON."
  for lock in "${locks[@]}"; do
    "$python" -m pip download --quiet --only-binary :all: --require-hashes --requirement "$lock" \
      --dest "$1"
  done
}
