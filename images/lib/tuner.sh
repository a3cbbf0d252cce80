# shellcheck shell=bash
# The images that run in the cluster: the tuner, and the object store. Sourced, not run.

locks=("$images_dir"/tuner/{requirements,build}.lock)

build_tuner_image() {
  local context
  check_default_base tuner/Dockerfile BASE_IMAGE "$PUBLIC_BASE_IMAGE"
  context=$(mktemp -d "$cache/built/.building-XXXXXX")
  cp -r "$repository"/{pyproject.toml,README.md,LICENSE,tuner_job} "$context/"
  find "$context" -name __pycache__ -prune -exec rm -rf {} +
  mkdir "$context/images"
  cp -r "$images_dir/tuner" "$context/images/"
  if [[ $image_source == packages ]]; then
    build_once "$(wheels_key)" download_wheels_into
    cp -rl "$(built "$(wheels_key)")" "$context/wheels"
  fi
  docker build --file "$context/images/tuner/Dockerfile" --build-arg BASE_IMAGE="$(tuner_base_image)" \
    --build-arg VERSION="$tuner_version" --tag "$tuner_image" "$context"
  rm -rf "$context"
}

# check_default_base FILE ARGUMENT IMAGE: for those who build a Dockerfile by hand, it repeats the public base's name.
check_default_base() {
  grep -qx "ARG $2=$3" "$images_dir/$1" || die "images/$1 must have the line 'ARG $2=$3', as images/versions.env has it"
}

tuner_base_image() {
  if [[ $image_source == registry ]]; then echo "$PUBLIC_BASE_IMAGE"; else echo "$python_base_image"; fi
}

wheels_key() { printf 'wheels-%s' "$(recipe_digest "${locks[@]}")"; }

# The image has no way to a package index while it is built, so its wheels are fetched here, checked against the locks.
download_wheels_into() {
  local python=${VA_TUNING_PYTHON:-python3} version lock
  version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  [[ $version == 3.11 ]] || die "$python must be Python 3.11, as in the image; it is $version. Name another in VA_TUNING_PYTHON."
  for lock in "${locks[@]}"; do
    "$python" -m pip download --quiet --only-binary :all: --require-hashes --requirement "$lock" --dest "$1"
  done
}

build_store_image() {
  if [[ $image_source == registry ]]; then
    check_default_base store/Dockerfile GO_IMAGE "$PUBLIC_GO_IMAGE"
    docker build --build-arg VERSION="$VERSITYGW_VERSION" --tag "$store_image" "$images_dir/store"
  else
    one_program_image "$store_image" "$(built "versitygw-$VERSITYGW_VERSION")/versitygw" /usr/local/bin/versitygw 10001
  fi
}

# Both to the registry that their names begin with.
push_images() {
  [[ $registry != localhost ]] || die "VA_TUNING_REGISTRY must name the registry to push to, as in registry.example.org/team"
  docker push "$tuner_image"
  docker push "$store_image"
}
