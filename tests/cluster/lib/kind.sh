# shellcheck shell=bash
# The kind cluster: create, fill, look at, delete. Sourced, not run.

kube_context=kind-$cluster_name

cluster_exists() { have kind && engine_works && kind get clusters 2>/dev/null | grep -qx "$cluster_name"; }

create_cluster() {
  if cluster_exists; then return; fi
  local image=$node_image
  [[ $image_source == packages ]] || image=$KIND_NODE_IMAGE
  kind create cluster --name "$cluster_name" --image "$image" --wait 600s
}

install_operator() {
  kubectl --context "$kube_context" apply --server-side --kustomize "$(kuberay_manifests)"
  kubectl --context "$kube_context" rollout status deployment/kuberay-operator --timeout 600s
}

wait_for_storage() {
  kubectl --context "$kube_context" --namespace local-path-storage rollout status deployment/local-path-provisioner --timeout 600s
}

# Only images whose content the node does not have yet: a load copies the whole image.
load_images() {
  local image
  for image in "$@"; do
    if node_has "$image"; then continue; fi
    kind load docker-image "$image" --name "$cluster_name"
  done
}

node_has() { [[ $(node_image_id "$1") == "$(docker image inspect --format '{{.Id}}' "$1")" ]]; }

# An image's identifier is the digest of its configuration, which its manifest on the node names; nothing where it is absent.
node_image_id() {
  docker exec "$cluster_name-control-plane" bash -c '
    manifest=$(ctr --namespace k8s.io images list "name==$1" | sed -n "2p" | cut -d" " -f3)
    if [[ $manifest ]]; then ctr --namespace k8s.io content get "$manifest" | jq --raw-output .config.digest; fi' \
    node_image_id "$1"
}

show_status() {
  if ! cluster_exists; then
    say "no cluster '$cluster_name'"
    return
  fi
  kubectl --context "$kube_context" get nodes,storageclasses
  kubectl --context "$kube_context" get pods --all-namespaces
}

delete_cluster() {
  if ! cluster_exists; then return; fi
  kind delete cluster --name "$cluster_name"
}
