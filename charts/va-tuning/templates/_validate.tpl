{{/* What the schema cannot say: each problem in one sentence, all of them together. */}}
{{- define "va-tuning.validate" -}}
{{- $problems := list -}}
{{- if not (.Capabilities.APIVersions.Has "ray.io/v1/RayCluster") -}}
{{- $problems = append $problems "the KubeRay operator is not installed: this cluster does not know ray.io/v1 RayCluster. Install KubeRay v1.6 or newer first (with `helm template`, pass `--api-versions ray.io/v1/RayCluster`)." -}}
{{- end -}}
{{- $full := include "va-tuning.fullname" . -}}
{{- if and .Values.registry (not (include "va-tuning.hasHost" (printf "%s/" .Values.registry))) -}}
{{- $problems = append $problems (printf "registry must begin with a host (registry.example.org/team, localhost); it is %q." .Values.registry) -}}
{{- end -}}
{{- $images := dict "image.repository" .Values.image.repository -}}
{{- if .Values.store.embedded.enabled -}}
{{- $images = set $images "store.embedded.image.repository" .Values.store.embedded.image.repository -}}
{{- end -}}
{{- range $key, $repository := $images -}}
{{- if not (or $.Values.registry (include "va-tuning.hasHost" $repository)) -}}
{{- $problems = append $problems (printf "%s is %q, which without a registry is a name at the default public one, where it may be anybody's. Set registry to the one that you pushed to (`make images push REGISTRY=…`), or to localhost for images that are loaded into the nodes." $key $repository) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $full) -}}
{{- $problems = append $problems (printf "object names must begin with a lower-case letter and hold only a-z, 0-9 and '-'; the release gives %q. Choose another release name or set fullnameOverride." $full) -}}
{{- end -}}
{{- if and .Values.store.embedded.enabled (not (hasPrefix "s3://" .Values.store.url)) -}}
{{- $problems = append $problems (printf "store.url must begin with s3:// while store.embedded.enabled is true; it is %q. Set store.embedded.enabled=false for an external store." .Values.store.url) -}}
{{- end -}}
{{- if .Values.store.embedded.enabled -}}
{{- range include "va-tuning.storeEndpointEnv" . | fromYamlArray -}}
{{- if or (hasKey $.Values.store.env .name) (hasKey $.Values.store.secretKeys .name) -}}
{{- $problems = append $problems (printf "store.env and store.secretKeys must not have %s while store.embedded.enabled is true: the embedded store sets it itself." .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.store.secretKeys (not .Values.store.existingSecret) -}}
{{- $problems = append $problems "store.secretKeys names keys of a Secret, but store.existingSecret is empty." -}}
{{- end -}}
{{- with .Values.workers -}}
{{- if or (gt (int .minReplicas) (int .replicas)) (gt (int .replicas) (int .maxReplicas)) -}}
{{- $problems = append $problems (printf "workers must have minReplicas ≤ replicas ≤ maxReplicas; they are %d, %d, %d." (int .minReplicas) (int .replicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.schedules (not .Values.cluster.enabled) -}}
{{- $problems = append $problems "schedules run on the installed cluster: set cluster.enabled=true." -}}
{{- end -}}
{{- $names := list -}}
{{- range .Values.schedules -}}
{{- if has .name $names -}}
{{- $problems = append $problems (printf "schedules: the name %q stands twice." .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- if regexMatch "^(operator|rayjob|test|space-.*)$" .name -}}
{{- $problems = append $problems (printf "schedules: the name %q is taken: %s-%s is a ConfigMap of the release's own. Choose a name other than operator, rayjob, test and space-…." .name $full .name) -}}
{{- end -}}
{{- if gt (len (printf "%s-%s" $full .name)) 52 -}}
{{- $problems = append $problems (printf "schedules: a CronJob's name may have 52 characters, %s-%s has more. Shorten the schedule's name or set fullnameOverride." $full .name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.web.ingress.enabled (not .Values.web.ingress.host) -}}
{{- $problems = append $problems "web.ingress needs web.ingress.host, the name by which the page is opened." -}}
{{- end -}}
{{- if and .Values.web.httpRoute.enabled (not .Values.web.httpRoute.parentRefs) -}}
{{- $problems = append $problems "web.httpRoute needs web.httpRoute.parentRefs, the gateways that it hangs on." -}}
{{- end -}}
{{- range splitList "\n" (trim (include "va-tuning.operatorProblems" .)) -}}
{{- if . -}}
{{- $problems = append $problems (trim .) -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nva-tuning cannot be installed:\n- %s\n" (join "\n- " $problems)) -}}
{{- end -}}
{{- end }}
