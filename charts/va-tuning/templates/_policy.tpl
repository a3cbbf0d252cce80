{{/* Call with (dict "root" $ "name" …), and as needed "annotations". */}}
{{- define "va-tuning.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "va-tuning.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels: {{- include "va-tuning.labels" (dict "root" .root "component" "network-policy") | nindent 4 }}
  {{- with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* A selector of this release's pods with one of some components. Call with (dict "root" $ "components" (list …)). */}}
{{- define "va-tuning.peers" -}}
matchLabels:
  app.kubernetes.io/part-of: va-tuning
  app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: {{ .components | toJson }}}
{{- end }}

{{- define "va-tuning.toApiServer" -}}
{{- $api := .Values.networkPolicy.apiServer -}}
- to:
    {{- range $api.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports:
    {{- range $api.ports }}
    - port: {{ int . }}
    {{- end }}
{{- end }}

{{/* The internet without what lies inside: private and shared networks, link-local addresses (cloud metadata), oneself. */}}
{{- define "va-tuning.publicAddresses" -}}
- ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]}
- ipBlock: {cidr: "::/0", except: ["::1/128", "fc00::/7", "fe80::/10"]}
{{- end }}
