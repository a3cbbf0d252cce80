{{/* Call with (dict "root" $ "name" …). */}}
{{- define "va-tuning.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "va-tuning.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "va-tuning.labels" (dict "root" .root "component" "network-policy") | nindent 4 }}
{{- end }}

{{/* A selector of this release's pods with one of some components. Call with (dict "root" $ "components" (list …)). */}}
{{- define "va-tuning.peers" -}}
matchLabels:
  app.kubernetes.io/part-of: va-tuning
  app.kubernetes.io/instance: {{ .root.Release.Name }}
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: {{ .components | toJson }}}
{{- end }}
