# shellcheck shell=bash
# Base images out of Debian packages, for sites without a container registry. Sourced, not run.

python_base_image=$local_prefix/python-base:$DEBIAN_RELEASE
proxy_base_image=$local_prefix/proxy-base:$DEBIAN_RELEASE
node_base_image=$local_prefix/node-base:$DEBIAN_RELEASE

python_packages=(ca-certificates python3 python3-venv)
proxy_packages=(iptables nftables conntrack kmod)
node_packages=("${proxy_packages[@]}" ca-certificates systemd systemd-sysv dbus iproute2 procps ethtool socat mount util-linux
  containerd runc containernetworking-plugins dnsmasq-base ipset jq curl pigz)

build_python_base() {
  build_once "$(base_key minimal)" bootstrap_into
  build_once "$(base_key python)" grow_into "${python_packages[@]}"
  import_base "$python_base_image" "$(base_key python)"
}

build_bases() {
  build_python_base
  build_once "$(base_key proxy)" grow_into "${proxy_packages[@]}"
  build_once "$(base_key node)" grow_into "${node_packages[@]}"
  import_base "$proxy_base_image" "$(base_key proxy)"
  import_base "$node_base_image" "$(base_key node)"
}

# Names the packages and the functions that a base is made with, so that a change of either builds it again.
base_key() {
  local recipe
  recipe=$(declare -p python_packages proxy_packages node_packages; declare -f bootstrap_into grow_into)
  printf 'base-%s-%s-%s' "$1" "$DEBIAN_RELEASE" "$(recipe_digest <<<"$recipe")"
}

# VA_TUNING_DEBIAN_MIRROR: a site's own mirror; empty for debootstrap's default.
bootstrap_into() {
  local root
  install_missing debootstrap debootstrap
  root=$(mktemp -d)
  debootstrap --variant=minbase "$DEBIAN_RELEASE" "$root" ${VA_TUNING_DEBIAN_MIRROR:+"$VA_TUNING_DEBIAN_MIRROR"}
  tar -C "$root" -cf "$1/root.tar" .
  rm -rf "$root"
}

# grow_into PACKAGE… DIR: the minimal system and these packages, without what only a package manager needs.
grow_into() {
  local output=${*: -1} packages=("${@:1:$#-1}") root
  root=$(mktemp -d)
  tar -C "$root" -xf "$(built "$(base_key minimal)")/root.tar"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" # no service starts in a system that does not run
  chmod +x "$root/usr/sbin/policy-rc.d"
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get update -q
  DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -q --no-install-recommends "${packages[@]}"
  chroot "$root" apt-get clean
  rm -rf "$root"/{usr/sbin/policy-rc.d,var/lib/apt/lists,var/cache/apt,var/log} "$root"/usr/share/{doc,man,locale,info}
  mkdir -p "$root"/var/{log,cache/apt/archives/partial,lib/apt/lists/partial}
  tar -C "$root" --exclude='./dev/*' -cf "$output/root.tar" .
  rm -rf "$root"
}

# An import gives a new image every time, and with it everything on top would be built again.
import_base() {
  local image=$1 key=$2
  if has_recipe "$image" "$key"; then return; fi
  docker import --change "LABEL recipe=$key" "$(built "$key")/root.tar" "$image"
}

# has_recipe IMAGE KEY: whether the engine's image of that name was made from that recipe.
has_recipe() { [[ $(docker image inspect --format '{{index .Config.Labels "recipe"}}' "$1" 2>/dev/null) == "$2" ]]; }
