{{/* The page over the results. */}}

{{- define "va-tuning.webName" -}}
{{ include "va-tuning.fullname" . }}-web
{{- end }}

{{/* The Secret with its token. */}}
{{- define "va-tuning.webToken" -}}
{{ default (printf "%s-token" (include "va-tuning.webName" .)) .Values.web.tokenSecret }}
{{- end }}

{{/* Its key of the store: of the embedded one, the key that only reads. */}}
{{- define "va-tuning.webStoreEnv" -}}
{{- if .Values.store.embedded.enabled }}
{{- $accounts := include "va-tuning.storeAccounts" . }}
{{- include "va-tuning.storeEndpointEnv" . }}
- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: {{ $accounts | quote }}, key: READER_ACCESS_KEY_ID}}}
- {name: AWS_SECRET_ACCESS_KEY, valueFrom: {secretKeyRef: {name: {{ $accounts | quote }}, key: READER_SECRET_ACCESS_KEY}}}
{{- end }}
{{- if or .Values.store.embedded.enabled .Values.web.storeSecret }}
{{- range $name, $value := .Values.store.env }}
- {name: {{ $name | quote }}, value: {{ $value | quote }}}
{{- end }}
{{- include "va-tuning.storeAuthorities" . }}
{{- else }}
{{- include "va-tuning.storeEnv" . }}
{{- end }}
{{- end }}

{{- define "va-tuning.webStoreEnvFrom" -}}
{{- if not .Values.store.embedded.enabled }}
{{- if .Values.web.storeSecret }}
- secretRef: {name: {{ .Values.web.storeSecret | quote }}}
{{- else }}
{{- include "va-tuning.storeEnvFrom" . }}
{{- end }}
{{- end }}
{{- end }}
