# shellcheck shell=bash
# Shared by the rig's scripts: settings, timed steps, and the cache. Sourced, not run.

rig=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${VA_TUNING_CACHE:-$HOME/.cache/va-tuning}
cluster_name=${VA_TUNING_CLUSTER:-va-tuning}
local_prefix=localhost/va-tuning
# shellcheck source=../versions.env
source "$rig/versions.env"
# shellcheck source=../../../images/names.sh
source "$rig/../../images/names.sh"
export PATH="$cache/bin:$PATH"

have() { command -v "$1" >/dev/null; }

# step TITLE COMMAND…: runs COMMAND, says how long it took, and keeps its output in a log that is shown only on failure.
step() {
  local title=$1 start=$SECONDS
  shift
  step_log=$cache/log/${title//[^a-zA-Z0-9]/-}.log
  printf ' • %-58s' "$title" >&2
  "$@" >"$step_log" 2>&1
  step_log=
  printf '%5d s\n' $((SECONDS - start)) >&2
}

# On exit: when a step is what failed, the end of its log is what a reader needs.
report_failed_step() {
  local status=$?
  [[ $status -eq 0 || -z ${step_log:-} ]] && return
  say " failed"
  say "--- the last lines of $step_log"
  tail -n 25 "$step_log" >&2
}

# One run at a time: two would build the same thing into the same cache.
lock_cache() {
  mkdir -p "$cache"/{bin,built,log,run}
  exec 9>"$cache/lock"
  if ! flock --nonblock 9; then
    say "another run uses $cache: waiting for it to end"
    flock 9
  fi
  rm -rf "$cache"/built/.building-*
  trap report_failed_step EXIT
}

# built KEY: where the thing of that name and version stands once it is built.
built() { printf '%s/built/%s' "$cache" "$1"; }

# build_once KEY BUILDER…: keeps what `BUILDER… DIR` leaves in DIR as `built KEY`; a failed build leaves nothing behind.
build_once() {
  local target work
  target=$(built "$1")
  shift
  if [[ -d $target ]]; then return; fi
  work=$(mktemp -d "$cache/built/.building-XXXXXX")
  chmod 755 "$work"
  "$@" "$work"
  mv -T "$work" "$target"
}

# link_command NAME FILE: puts FILE on the PATH of these scripts (and of whoever adds $cache/bin to theirs).
link_command() {
  ln -sfn "$2" "$cache/bin/.$1.new"
  mv -fT "$cache/bin/.$1.new" "$cache/bin/$1"
}

# recipe_digest [FILE…]: short digest of what a build is made from (standard input without files).
recipe_digest() { cat -- "$@" | sha256sum | cut -c1-12; }
