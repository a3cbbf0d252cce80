# shellcheck shell=bash
# Commands built from Go modules, one cached build a version. Sourced, not run.

kubernetes_commands=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubeadm kubectl)
strip_flags='-s -w'

require_go() { have go || die "the command 'go' must be on PATH: the cluster's tools are built from Go modules. Install Go 1.24 or newer."; }

# go_install NAME VERSION PACKAGE: a module that allows `go install package@version`.
go_install() {
  build_once "$1-$2" go_install_into "$3@v$2"
  link_command "$1" "$(built "$1-$2")/$1"
}

go_install_into() {
  require_go
  GOBIN=$2 CGO_ENABLED=0 go install -trimpath -ldflags "$strip_flags" "$1"
}

# go_build NAME VERSION MODULE PACKAGE: a module whose `replace` lines forbid `go install`; built from a go.mod of its own.
go_build() {
  build_once "$1-$2" go_build_into "$1" "$3@v$2" "$4"
}

go_build_into() {
  local name=$1 module=$2 package=$3 output=$4 source
  require_go
  source=$(mktemp -d)
  (
    cd "$source" || exit
    go mod init example.org/build
    write_tools_file "$package"
    go get "$module"
    go mod tidy
    CGO_ENABLED=0 go build -trimpath -ldflags "$strip_flags" -o "$output/$name" "$package"
  )
  rm -rf "$source"
}

# The store's server goes into an image that others run: every module of it is held to a hash in go.sum.
build_versitygw() {
  build_once "versitygw-$store_version" build_versitygw_into
  link_command versitygw "$(built "versitygw-$store_version")/versitygw"
}

build_versitygw_into() {
  require_go
  (cd "$images_dir/store" && CGO_ENABLED=0 go build -mod=readonly -trimpath \
    -ldflags "$strip_flags" -o "$1/versitygw" github.com/versity/versitygw/cmd/versitygw)
}

# An import of each command keeps `go mod tidy` from dropping what it needs.
write_tools_file() {
  printf '//go:build tools\n\npackage build\n\nimport (\n' >tools.go
  printf '\t_ "%s"\n' "$@" >>tools.go
  printf ')\n' >>tools.go
}

build_kubernetes() {
  build_once "kubernetes-$KUBERNETES_VERSION" build_kubernetes_into "${kubernetes_commands[@]}"
  link_command kubectl "$(built "kubernetes-$KUBERNETES_VERSION")/kubectl"
}

build_kubectl() {
  build_once "kubectl-$KUBERNETES_VERSION" build_kubernetes_into kubectl
  link_command kubectl "$(built "kubectl-$KUBERNETES_VERSION")/kubectl"
}

# build_kubernetes_into COMMAND… DIR: Kubernetes keeps its libraries in its own tree under `replace`; each is also
# published as a module, k8s.io/x v0.<minor>.<patch>, and those take the tree's place here.
build_kubernetes_into() {
  local output=${*: -1} commands=("${@:1:$#-1}") source upstream library stamp=k8s.io/component-base/version
  local minor=${KUBERNETES_VERSION#*.}
  require_go
  source=$(mktemp -d)
  (
    cd "$source" || exit
    upstream=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES_VERSION" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
    go mod init example.org/build
    go mod edit -require "k8s.io/kubernetes@v$KUBERNETES_VERSION"
    # shellcheck disable=SC2013 # module paths hold no blanks
    for library in $(sed -n 's,^\s*\(replace \)\?\(k8s.io/[^ ]*\) => ./staging.*,\2,p' "$upstream"); do
      go mod edit -replace "$library=$library@v0.${KUBERNETES_VERSION#1.}"
    done
    write_tools_file "${commands[@]/#/k8s.io/kubernetes/cmd/}"
    go mod tidy
    # kubeadm refuses to work with a version that it cannot read from itself.
    CGO_ENABLED=0 go build -trimpath -o "$output/" -ldflags \
      "$strip_flags -X $stamp.gitVersion=v$KUBERNETES_VERSION -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}" \
      "${commands[@]/#/k8s.io/kubernetes/cmd/}"
  )
  rm -rf "$source"
}

kuberay_module=github.com/ray-project/kuberay/ray-operator

build_kuberay() { go_build kuberay "$KUBERAY_VERSION" "$kuberay_module" "$kuberay_module"; }

# The operator's own manifests (CRDs, RBAC, Deployment) come with its module, whatever image it then runs.
fetch_kuberay_manifests() { build_once "kuberay-manifests-$KUBERAY_VERSION" copy_kuberay_manifests_into; }

copy_kuberay_manifests_into() {
  require_go
  cp -r --no-preserve=mode "$(module_directory "$kuberay_module" "$KUBERAY_VERSION")/config" "$1/"
}

kuberay_manifests() { printf '%s/config/default' "$(built "kuberay-manifests-$KUBERAY_VERSION")"; }

# module_directory MODULE VERSION: where Go keeps the module's files.
module_directory() { go mod download -json "$1@v$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }
