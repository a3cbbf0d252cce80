{{/* What all pods share; each passes Pod Security "restricted". */}}

{{- define "va-tuning.podSecurityContext" -}}
runAsNonRoot: true
{{- range $key := list "runAsUser" "runAsGroup" "fsGroup" }}
{{- $value := index $.Values.security $key }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}: {{ int64 $value }}
{{- end }}
{{- end }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "va-tuning.securityContext" -}}
runAsNonRoot: true
{{- range $key := list "runAsUser" "runAsGroup" }}
{{- $value := index $.Values.security $key }}
{{- if not (kindIs "invalid" $value) }}
{{ $key }}: {{ int64 $value }}
{{- end }}
{{- end }}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Memory is requested as limited: /dev/shm, and with it Ray's object store, counts against it. */}}
{{- define "va-tuning.resources" -}}
requests:
  cpu: {{ .cpu | quote }}
  memory: {{ .memory | quote }}
  {{- with .ephemeralStorage }}
  ephemeral-storage: {{ . | quote }}
  {{- end }}
limits:
  memory: {{ .memory | quote }}
  {{- with .ephemeralStorage }}
  ephemeral-storage: {{ . | quote }}
  {{- end }}
  {{- with .cpuLimit }}
  cpu: {{ . | quote }}
  {{- end }}
  {{- with .extra }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Environment that reaches the store. The endpoint is said here even where the Secret has it: an existing one need not. */}}
{{- define "va-tuning.storeEnv" -}}
{{- if .Values.store.embedded.enabled }}
- {name: AWS_ENDPOINT_URL, value: {{ include "va-tuning.storeEndpoint" . | quote }}}
- {name: AWS_REGION, value: us-east-1}
- {name: AWS_ALLOW_HTTP, value: "true"}
{{- end }}
{{- range $name, $value := .Values.store.env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- range $name, $key := .Values.store.secretKeys }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $.Values.store.existingSecret }}, key: {{ $key }}}}}
{{- end }}
{{- end }}

{{- define "va-tuning.storeEnvFrom" -}}
{{- if not .Values.store.secretKeys }}
{{- with include "va-tuning.storeSecret" . }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}
{{- end }}

{{/* Environment of a client of the installed cluster's job API. */}}
{{- define "va-tuning.rayClientEnv" -}}
- {name: RAY_ADDRESS, value: {{ include "va-tuning.headAddress" . | quote }}}
- {name: RAY_AUTH_MODE, value: token}
- {name: RAY_AUTH_TOKEN, valueFrom: {secretKeyRef: {name: {{ include "va-tuning.authSecret" . }}, key: auth_token}}}
{{- end }}

{{/* Where a pod runs. Call with the settings of head, workers or the embedded store. */}}
{{- define "va-tuning.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* The pod-level part that is the same everywhere. */}}
{{- define "va-tuning.podBase" -}}
enableServiceLinks: false
securityContext: {{- include "va-tuning.podSecurityContext" . | nindent 2 }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Hooks, tests and submitters: short Python programs in the tuning image, which find their files in /scripts.
     Call with (dict "root" $ "script" … "args" …), and as needed
     "store" true (its address and keys), "env", "mounts", "volumes" (YAML lists). */}}
{{- define "va-tuning.scriptPod" -}}
serviceAccountName: {{ include "va-tuning.serviceAccount" .root }}
automountServiceAccountToken: false
restartPolicy: Never
{{- include "va-tuning.podBase" .root | nindent 0 }}
containers:
  - name: main
    image: {{ include "va-tuning.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [python, /scripts/{{ .script }}]
    args: {{ .args | toJson }}
    {{- with .root.Values.job.submitterResources }}
    resources: {{- include "va-tuning.resources" . | nindent 6 }}
    {{- end }}
    securityContext: {{- include "va-tuning.securityContext" .root | nindent 6 }}
    env:
      - {name: HOME, value: /tmp}
      - {name: PYTHONUNBUFFERED, value: "1"}
      {{- with .env }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- if .store }}
      {{- with trim (include "va-tuning.storeEnv" .root) }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- end }}
    {{- if .store }}
    {{- with trim (include "va-tuning.storeEnvFrom" .root) }}
    envFrom: {{- . | nindent 6 }}
    {{- end }}
    {{- end }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: scripts, mountPath: /scripts, readOnly: true}
      {{- with .mounts }}
      {{- . | nindent 6 }}
      {{- end }}
volumes:
  - {name: tmp, emptyDir: {}}
  - {name: scripts, configMap: {name: {{ include "va-tuning.fullname" .root }}-scripts}}
  {{- with .volumes }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
