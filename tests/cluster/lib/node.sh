# shellcheck shell=bash
# The node image for kind and everything in it, for sites without a container registry. Sourced, not run.

node_image=$local_prefix/node:v$KUBERNETES_VERSION
storage_helper_image=$local_prefix/storage-helper:1
storage_module=github.com/rancher/local-path-provisioner
kube_router_module=github.com/cloudnativelabs/kube-router/v2
etcd_module=go.etcd.io/etcd/server/v3
kuberay_image=quay.io/kuberay/operator:v$KUBERAY_VERSION # the name in KubeRay's own manifests
nonroot=65532

build_node_programs() {
  go_build etcd "$ETCD_VERSION" "$etcd_module" "$etcd_module"
  go_install coredns "$COREDNS_VERSION" github.com/coredns/coredns
  go_install kube-router "$KUBE_ROUTER_VERSION" "$kube_router_module/cmd/kube-router"
  go_build local-path-provisioner "$LOCAL_PATH_PROVISIONER_VERSION" "$storage_module" "$storage_module"
}

build_node_image() {
  local recipe
  recipe=$(node_recipe)
  if has_recipe "$node_image" "$recipe"; then return; fi
  install_missing busybox busybox-static
  local context
  context=$(mktemp -d "$cache/built/.building-XXXXXX")
  lay_out_node_context "$context"
  docker build --label "recipe=$recipe" --build-arg BASE_IMAGE="$node_base_image" \
    --build-arg KUBERNETES_VERSION="$KUBERNETES_VERSION" --tag "$node_image" "$context"
  rm -rf "$context"
}

node_recipe() {
  find "$rig"/{versions.env,lib/base.sh,lib/node.sh,node} -type f -print0 | sort -z | xargs -0 cat |
    recipe_digest
}

lay_out_node_context() {
  local context=$1 kubernetes pause
  kubernetes=$(built "kubernetes-$KUBERNETES_VERSION")
  mkdir "$context"/{bin,images,manifests}
  cp "$rig/node/Dockerfile" "$context/"
  cp -r "$rig/node/files" "$context/"
  cp "$kubernetes"/{kubeadm,kubectl,kubelet} "$(built "kube-router-$KUBE_ROUTER_VERSION")/kube-router" "$context/bin/"
  storage_manifest >"$context/manifests/default-storage.yaml"
  build_control_plane_images
  pause=$(control_plane_images | grep /pause:)
  sed -i "s|@PAUSE_IMAGE@|$pause|" "$context/files/etc/containerd/config.toml"
  control_plane_images | xargs docker save --output "$context/images/control-plane.tar" \
    "$(storage_image)" "$storage_helper_image" "$kuberay_image"
}

# The names that kubeadm will ask for; it also fixes the tags of programs that are no part of Kubernetes.
control_plane_images() {
  "$(built "kubernetes-$KUBERNETES_VERSION")/kubeadm" config images list --kubernetes-version "v$KUBERNETES_VERSION"
}

build_control_plane_images() {
  local image name kubernetes
  kubernetes=$(built "kubernetes-$KUBERNETES_VERSION")
  for image in $(control_plane_images); do
    name=${image##*/}
    name=${name%%:*}
    case $name in
      kube-proxy) build_kube_proxy_image "$image" ;;
      kube-*) one_program_image "$image" "$kubernetes/$name" "/usr/local/bin/$name" ;;
      etcd) one_program_image "$image" "$(built "etcd-$ETCD_VERSION")/etcd" /usr/local/bin/etcd ;;
      coredns) one_program_image "$image" "$(built "coredns-$COREDNS_VERSION")/coredns" /coredns ;;
      pause) one_program_image "$image" "$(command -v busybox)" /bin/busybox 0 sleep 2147483647 ;;
      *) die "kubeadm $KUBERNETES_VERSION asks for the image $image; lib/node.sh must say how to build it" ;;
    esac
  done
  one_program_image "$kuberay_image" "$(built "kuberay-$KUBERAY_VERSION")/kuberay" /manager $nonroot
  one_program_image "$(storage_image)" "$(built "local-path-provisioner-$LOCAL_PATH_PROVISIONER_VERSION")/local-path-provisioner" \
    /usr/local/bin/local-path-provisioner
  build_storage_helper_image
}

# one_program_image IMAGE FILE PATH [USER [ARGUMENT…]]: an image that holds one static program, and nothing else.
one_program_image() {
  local image=$1 file=$2 path=$3 user=${4:-0} command root
  command=$(printf ', "%s"' "${@:5}")
  [[ $# -ge 5 ]] || command=
  root=$(mktemp -d)
  install -D -m 755 "$file" "$root$path"
  tar -C "$root" -c . | docker import --change 'ENV PATH=/usr/local/bin:/bin' --change "USER $user" \
    --change "ENTRYPOINT [\"$path\"$command]" - "$image"
  rm -rf "$root"
}

build_kube_proxy_image() {
  local context
  context=$(mktemp -d)
  cp "$rig/node/kube-proxy.Dockerfile" "$context/Dockerfile"
  cp "$(built "kubernetes-$KUBERNETES_VERSION")/kube-proxy" "$context/"
  docker build --build-arg BASE_IMAGE="$proxy_base_image" --tag "$1" "$context"
  rm -rf "$context"
}

# A shell with mkdir and rm: what the storage provisioner runs on a node to make and clear a volume's folder.
build_storage_helper_image() {
  local root
  root=$(mktemp -d)
  install -D -m 755 "$(command -v busybox)" "$root/bin/busybox"
  chroot "$root" /bin/busybox --install -s /bin
  tar -C "$root" -c . | docker import --change 'ENV PATH=/bin' - "$storage_helper_image"
  rm -rf "$root"
}

# The provisioner's own manifest, with images that are on the node, as the default class under the name that kind uses.
storage_manifest() {
  local module
  module=$(module_directory "$storage_module" "$LOCAL_PATH_PROVISIONER_VERSION")
  sed -e "s|image: busybox\$|image: $storage_helper_image|" -e 's|/opt/local-path-provisioner|/var/local-path-provisioner|' \
    -e 's|^  name: local-path$|  name: standard\n  annotations: {storageclass.kubernetes.io/is-default-class: "true"}|' \
    "$module/deploy/local-path-storage.yaml"
}

storage_image() { storage_manifest | sed -n 's|^ *image: \(rancher/.*\)$|docker.io/\1|p'; }
