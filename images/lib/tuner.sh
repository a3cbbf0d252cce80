# shellcheck shell=bash
# The images that run in the cluster: the tuner, and the object store. Sourced, not run.

store_image=va-tuning/versitygw:$VERSITYGW_VERSION # the name in the chart's values
lock_file=$images_dir/tuner/requirements.lock

build_tuner_image() {
  local context
  check_default_base
  context=$(mktemp -d "$cache/built/.building-XXXXXX")
  cp -r "$repository"/{pyproject.toml,README.md,tuner_job} "$context/"
  find "$context" -name __pycache__ -prune -exec rm -rf {} +
  mkdir "$context/images"
  cp -r "$images_dir/tuner" "$context/images/"
  if [[ $image_source == packages ]]; then
    build_once "$(wheels_key)" download_wheels_into
    cp -rl "$(built "$(wheels_key)")" "$context/wheels"
  fi
  docker build --file "$context/images/tuner/Dockerfile" --build-arg BASE_IMAGE="$(tuner_base_image)" \
    --tag "$tuner_image" "$context"
  rm -rf "$context"
}

# For those who build the Dockerfile by hand, it repeats the name of the public base image.
check_default_base() {
  grep -qx "ARG BASE_IMAGE=$PUBLIC_BASE_IMAGE" "$images_dir/tuner/Dockerfile" ||
    die "images/tuner/Dockerfile must default BASE_IMAGE to PUBLIC_BASE_IMAGE of images/versions.env, $PUBLIC_BASE_IMAGE"
}

tuner_base_image() {
  if [[ $image_source == registry ]]; then echo "$PUBLIC_BASE_IMAGE"; else echo "$python_base_image"; fi
}

wheels_key() { printf 'wheels-%s' "$(recipe_digest "$lock_file" <(echo "$SETUPTOOLS_VERSION"))"; }

# The image has no way to a package index while it is built, so its wheels are fetched here, checked against the lock.
download_wheels_into() {
  local python=${VA_TUNING_PYTHON:-python3} version
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [[ $version == 3.11 ]] || die "$python must be Python 3.11, as in the image; it is $version. Name another in VA_TUNING_PYTHON."
  "$python" -m pip download --quiet --only-binary :all: --require-hashes --requirement "$lock_file" --dest "$1"
  "$python" -m pip download --quiet --only-binary :all: --no-deps "setuptools==$SETUPTOOLS_VERSION" --dest "$1"
}

build_store_image() {
  one_program_image "$store_image" "$(built "versitygw-$VERSITYGW_VERSION")/versitygw" /usr/local/bin/versitygw 10001
}
