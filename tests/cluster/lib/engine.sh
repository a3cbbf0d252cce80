# shellcheck shell=bash
# The container engine: a docker that already works, or one started here and stopped again by `down`. Sourced, not run.

export DOCKER_BUILDKIT=0 # Debian's engine comes without BuildKit; the Dockerfiles here need nothing of it
engine_pid_file=$cache/run/dockerd.pid
cap_sys_resource=24 # bit number, capabilities(7)

engine_works() { have docker && docker info >/dev/null 2>&1; }

ensure_engine() {
  if engine_works; then return; fi
  [[ $(id -u) -eq 0 ]] || die "no container engine answers; start docker, or run as root so that one can be started here"
  install_missing dockerd docker.io
  rm -f "$engine_pid_file"
  local flags
  read -ra flags <<<"$(engine_runtime_flags)"
  # Detached, and without the lock's descriptor: the engine outlives this script, the lock must not.
  setsid dockerd --data-root "$cache/docker" --exec-root "$cache/run/docker" --pidfile "$engine_pid_file" \
    "${flags[@]}" >"$cache/log/dockerd.log" 2>&1 </dev/null 9>&- &
  wait_for_engine 300
}

# In a sandbox without CAP_SYS_RESOURCE even a privileged container must do without it.
engine_runtime_flags() {
  local bounding
  bounding=$((16#$(sed -n 's/^CapBnd:\s*//p' /proc/self/status)))
  if ((bounding >> cap_sys_resource & 1)); then return; fi
  # A copy: the engine calls it for as long as it runs, whatever becomes of this checkout.
  install -D -m 755 "$rig/node/runc-within-bounds" "$cache/run/runc-within-bounds"
  echo "--add-runtime within-bounds=$cache/run/runc-within-bounds --default-runtime within-bounds"
}

wait_for_engine() {
  local limit=$((SECONDS + $1))
  until engine_works; do
    ((SECONDS < limit)) || { tail -n 20 "$cache/log/dockerd.log" >&2; die "dockerd must answer within $1 s; it did not"; }
    sleep 0.5
  done
}

stop_engine() {
  [[ -f $engine_pid_file ]] || return 0
  local pid limit=$((SECONDS + 300))
  pid=$(<"$engine_pid_file")
  # A stale file may name a process that is somebody else's by now.
  if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]]; then
    kill "$pid"
    while [[ -d /proc/$pid ]]; do
      ((SECONDS < limit)) || die "dockerd ($pid) must stop within 300 s; it still runs"
      sleep 0.5
    done
  fi
  rm -f "$engine_pid_file"
}

# install_missing COMMAND PACKAGE: a Debian package that brings COMMAND, when it is not there yet.
install_missing() {
  if have "$1"; then return; fi
  have apt-get || die "the command '$1' must be on PATH (Debian package $2); install it, there is no apt-get here"
  [[ $(id -u) -eq 0 ]] || die "the command '$1' must be on PATH (Debian package $2); install it, or run as root"
  DEBIAN_FRONTEND=noninteractive apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$2"
}
