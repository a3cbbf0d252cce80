{{/* Names, labels and images. */}}

{{- define "va-tuning.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end }}

{{/* At most 40 characters: KubeRay and Kubernetes append to it within their own limits (RayCluster 53, RayJob 47, CronJob 52). */}}
{{- define "va-tuning.fullname" -}}
{{- $name := include "va-tuning.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* The labels by which policies, budgets and services find this release's pods. Call with (dict "root" $ "component" …). */}}
{{- define "va-tuning.selectorLabels" -}}
app.kubernetes.io/part-of: va-tuning
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of objects, and of pods other than Ray's: KubeRay's head service selects by its own app.kubernetes.io/name. */}}
{{- define "va-tuning.labels" -}}
{{ include "va-tuning.selectorLabels" . }}
app.kubernetes.io/name: {{ include "va-tuning.name" .root | quote }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end }}

{{/* Whether a name begins with a registry's host, by the rule that container runtimes go by: without one it is a name at
     the default public registry, where it may be anybody's. Empty or "true". */}}
{{- define "va-tuning.hasHost" -}}
{{- if regexMatch "^(localhost|[^/]*[.:][^/]*)/" . }}true{{ end -}}
{{- end }}

{{/* A repository with its registry. Call with (dict "root" $ "repository" …). */}}
{{- define "va-tuning.repository" -}}
{{- if or (include "va-tuning.hasHost" .repository) (not .root.Values.registry) -}}
{{ .repository }}
{{- else -}}
{{ printf "%s/%s" .root.Values.registry .repository }}
{{- end }}
{{- end }}

{{/* Call with (dict "root" $ "image" … "defaultTag" …). */}}
{{- define "va-tuning.imageRef" -}}
{{- $repository := include "va-tuning.repository" (dict "root" .root "repository" .image.repository) -}}
{{- if .image.digest -}}
{{ printf "%s@%s" $repository .image.digest }}
{{- else -}}
{{ printf "%s:%s" $repository (default .defaultTag .image.tag) }}
{{- end }}
{{- end }}

{{- define "va-tuning.image" -}}
{{ include "va-tuning.imageRef" (dict "root" . "image" .Values.image "defaultTag" .Chart.AppVersion) }}
{{- end }}

{{/* Pods without any right in the cluster, and, only where Ray's autoscaler needs one, the head. */}}
{{- define "va-tuning.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "va-tuning.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "va-tuning.headServiceAccount" -}}
{{- $own := and .Values.autoscaling.enabled .Values.serviceAccount.create -}}
{{ include "va-tuning.serviceAccount" . }}{{ if $own }}-head{{ end }}
{{- end }}

{{- define "va-tuning.headAddress" -}}
http://{{ include "va-tuning.fullname" . }}-head-svc:8265
{{- end }}

{{- define "va-tuning.authSecret" -}}
{{ default (include "va-tuning.fullname" .) .Values.cluster.authSecret }}
{{- end }}

{{- define "va-tuning.storeName" -}}
{{ include "va-tuning.fullname" . }}-store
{{- end }}

{{/* Empty where an external store relies on the platform's identity. */}}
{{- define "va-tuning.storeSecret" -}}
{{- if .Values.store.existingSecret -}}
{{ .Values.store.existingSecret }}
{{- else if .Values.store.embedded.enabled -}}
{{ include "va-tuning.storeName" . }}
{{- end }}
{{- end }}

{{/* What the embedded store's root, and who only reads, have for keys; no part of it reaches Ray's pods. */}}
{{- define "va-tuning.storeAccounts" -}}
{{ default (printf "%s-accounts" (include "va-tuning.storeName" .)) .Values.store.embedded.accountsSecret }}
{{- end }}

{{- define "va-tuning.storeEndpoint" -}}
http://{{ include "va-tuning.storeName" . }}:7070
{{- end }}
