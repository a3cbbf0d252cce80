{{/* The controller of TuningExperiments. */}}

{{- define "va-tuning.operatorName" -}}
{{ include "va-tuning.fullname" . }}-operator
{{- end }}

{{/* Whom it tells of ends; the key is a Secret's. */}}
{{- define "va-tuning.notificationEnv" -}}
{{- with .Values.notification }}
{{- if .url }}
- {name: VA_TUNING_NOTIFY_URL, value: {{ .url | quote }}}
- {name: VA_TUNING_NOTIFY_KEY, valueFrom: {secretKeyRef: {name: {{ .secret.name | quote }}, key: {{ .secret.key | quote }}}}}
{{- end }}
{{- end }}
{{- end }}

{{/* What the schema cannot say, as `va-tuning.validate` has it: one sentence a line. */}}
{{- define "va-tuning.operatorProblems" -}}
{{- if .Values.notification.url -}}
{{- if not .Values.operator.enabled }}
notification.url is told by the controller: set operator.enabled=true.
{{- end }}
{{- if not .Values.notification.secret.name }}
notification.url needs notification.secret.name, the Secret with the key that messages are signed with.
{{- end }}
{{- end -}}
{{- end }}
