#!/usr/bin/env bash
# Usage: run.sh CONTEXT IMAGE. Runs the RayJob beside this file, and fails unless it succeeds in 5 minutes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kube_context=$1 image=$2
namespace=va-tuning-smoke

kubectl() { command kubectl --context "$kube_context" --namespace "$namespace" "$@"; }

remove() { kubectl delete namespace "$namespace" --ignore-not-found --wait --timeout 120s; }

manifest() {
  local version
  version=$(sed -n 's/^ray==\([0-9.]*\).*/\1/p' "$here/../../../images/tuner/requirements.lock")
  sed -e "s|@TUNER_IMAGE@|$image|" -e "s|@RAY_VERSION@|$version|" "$here/rayjob.yaml"
}

wait_until_it_succeeds() {
  local limit=$((SECONDS + 300)) status
  while ((SECONDS < limit)); do
    status=$(kubectl get rayjob smoke --output 'jsonpath={.status.jobStatus} {.status.jobDeploymentStatus}')
    case $status in
      SUCCEEDED*) return ;;
      FAILED* | STOPPED* | *' Failed') break ;;
    esac
    sleep 1
  done
  kubectl get pods,events,persistentvolumeclaims --output wide
  kubectl describe rayjob smoke
  echo "the RayJob 'smoke' must be SUCCEEDED within 300 s; it is '$status'"
  return 1
}

# Without the token the Jobs API must not answer: asked from inside the head, so that only the token is missing.
refuses_without_token() {
  local head code
  head=$(kubectl get pods --selector ray.io/node-type=head --output name)
  code=$(kubectl exec "$head" --container head -- python -c '
import urllib.error, urllib.request
try:
    print(urllib.request.urlopen("http://127.0.0.1:8265/api/jobs/").status)
except urllib.error.HTTPError as error:
    print(error.code)')
  [[ $code == 401 ]] || { echo "the Jobs API must answer 401 without a token; it answered $code"; return 1; }
}

remove
manifest | kubectl apply --filename -
wait_until_it_succeeds
kubectl logs job/smoke | grep 'squares: 2470 from 2 workers'
kubectl get persistentvolumeclaim smoke --output 'jsonpath={.status.phase}' | grep -x Bound
refuses_without_token
remove
