#!/usr/bin/env bash
# A kind cluster with the KubeRay operator, dynamic volumes and the images of this project, with or without a registry.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"
# shellcheck source=lib/tools.sh
source "$here/lib/tools.sh"
# shellcheck source=lib/engine.sh
source "$here/lib/engine.sh"
# shellcheck source=lib/base.sh
source "$here/lib/base.sh"
# shellcheck source=lib/node.sh
source "$here/lib/node.sh"
# shellcheck source=lib/images.sh
source "$here/lib/images.sh"
# shellcheck source=lib/kind.sh
source "$here/lib/kind.sh"

usage() {
  cat <<END
Usage: tests/cluster/cluster.sh COMMAND…
  up       create the cluster, and whatever it needs first
  load     build the tuner's and the object store's image and load them into the cluster
  smoke    prove it: a RayJob under token authentication and restricted Pod Security, and a volume
  status   show nodes, storage classes and pods
  down     delete the cluster, and stop the engine if it was started here

  tools    only build the commands        (in \$VA_TUNING_CACHE/bin)
  engine   only start the container engine
  images   only build the images
  build    only build the tuner's and the object store's image
  test-tools  only build the commands that tests without a cluster use

Settings, all optional:
  VA_TUNING_IMAGES         auto | registry | packages: where images come from (auto: registry, if one answers)
  VA_TUNING_REGISTRY       registry in the names of the two images ($registry: they are only loaded)
  VA_TUNING_CACHE          where builds are kept, by version      ($cache)
  VA_TUNING_CLUSTER        name of the cluster                    ($cluster_name)
  VA_TUNING_TUNER_IMAGE    name of the tuner image                ($tuner_image)
  VA_TUNING_DEBIAN_MIRROR  Debian mirror, for packages
  VA_TUNING_PYTHON         Python 3.11 that fetches wheels, for packages (python3)
  KUBECONFIG               where the cluster's credentials are written
END
}

test_tools() {
  step "build helm $HELM_VERSION" go_install helm "$HELM_VERSION" helm.sh/helm/v3/cmd/helm
  step "build kubeconform $KUBECONFORM_VERSION" go_install kubeconform "$KUBECONFORM_VERSION" github.com/yannh/kubeconform/cmd/kubeconform
  step "build versitygw $store_version" build_versitygw
}

tools() {
  test_tools
  step "build kind $KIND_VERSION" go_install kind "$KIND_VERSION" sigs.k8s.io/kind
  step "fetch the KubeRay operator's manifests" fetch_kuberay_manifests
  if [[ $image_source == registry ]]; then
    step "build kubectl $KUBERNETES_VERSION" build_kubectl
    return
  fi
  step "build Kubernetes $KUBERNETES_VERSION" build_kubernetes
  step "build etcd, coredns, kube-router, the storage provisioner" build_node_programs
  step "build the KubeRay operator $KUBERAY_VERSION" build_kuberay
}

engine() { step "find or start a container engine" ensure_engine; }

node_images() {
  if [[ $image_source == registry ]]; then return; fi
  step "build the base images" build_bases
  step "build the node image" build_node_image
}

cluster_images() {
  step "build the tuner's and the object store's image" build_images
}

images() {
  tools
  engine
  node_images
  cluster_images
}

build() {
  engine
  if [[ $image_source == packages ]]; then
    step "build versitygw $store_version" build_versitygw
    step "build the Python base image" build_python_base
  fi
  cluster_images
}

up() {
  tools
  engine
  node_images
  step "create the cluster $cluster_name" create_cluster
  step "install the KubeRay operator" install_operator
  step "wait for the storage provisioner" wait_for_storage
}

load() {
  cluster_images
  step "load them into the cluster" load_images "$tuner_image" "$store_image"
}

smoke() { step "run a RayJob and bind a volume" "$here/smoke/run.sh" "$kube_context" "$tuner_image"; }

down() {
  step "delete the cluster $cluster_name" delete_cluster
  step "stop the engine, if started here" stop_engine
}

# A docker that gets an answer about the node image from a registry decides; without one, nothing could be pulled anyway.
choose_image_source() {
  image_source=${VA_TUNING_IMAGES:-auto}
  case $image_source in
    registry | packages) ;;
    auto) if registry_answers; then image_source=registry; else image_source=packages; fi ;;
    *) die "VA_TUNING_IMAGES must be auto, registry or packages; found '$image_source'" ;;
  esac
}

registry_answers() { engine_works && timeout 20 docker manifest inspect "$KIND_NODE_IMAGE" >/dev/null 2>&1; }

main() {
  if [[ $# -eq 0 ]]; then
    usage >&2
    exit 2
  fi
  local command
  for command in "$@"; do
    case $command in
      tools | engine | images | build | up | load | smoke | status | down | test-tools) ;;
      -h | --help) usage && exit ;;
      *) die "the command must be one of up, load, smoke, status, down, build, tools, engine, images, test-tools; found '$command'" ;;
    esac
  done
  if [[ $* == status ]]; then
    show_status
    exit
  fi
  check_image_names
  lock_cache
  if [[ $* == test-tools ]]; then
    test_tools
    exit
  fi
  choose_image_source
  say "images from: $image_source (cache: $cache)"
  for command in "$@"; do
    if [[ $command == status ]]; then show_status; else "$command"; fi
  done
}

main "$@"
