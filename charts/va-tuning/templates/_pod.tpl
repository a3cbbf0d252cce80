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
{{- include "va-tuning.storeEndpointEnv" . }}
{{- end }}
{{- range $name, $value := .Values.store.env }}
- {name: {{ $name | quote }}, value: {{ $value | quote }}}
{{- end }}
{{- range $name, $key := .Values.store.secretKeys }}
- {name: {{ $name | quote }}, valueFrom: {secretKeyRef: {name: {{ $.Values.store.existingSecret | quote }}, key: {{ $key | quote }}}}}
{{- end }}
{{- include "va-tuning.storeAuthorities" . }}
{{- end }}

{{- define "va-tuning.storeAuthorities" -}}
{{- if .Values.store.caBundle.configMap }}
- {name: SSL_CERT_FILE, value: /etc/va-tuning/ca/ca.crt}
{{- end }}
{{- end }}

{{/* Where that file is mounted, and what it is mounted from: lists for each pod with `storeEnv`. */}}
{{- define "va-tuning.storeMounts" -}}
{{- if .Values.store.caBundle.configMap }}
- {name: store-ca, mountPath: /etc/va-tuning/ca, readOnly: true}
{{- end }}
{{- end }}

{{- define "va-tuning.storeVolumes" -}}
{{- with .Values.store.caBundle }}
{{- if .configMap }}
- {name: store-ca, configMap: {name: {{ .configMap | quote }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}}
{{- end }}
{{- end }}
{{- end }}

{{- define "va-tuning.storeEnvFrom" -}}
{{- if not .Values.store.secretKeys }}
{{- with include "va-tuning.storeSecret" . }}
- secretRef: {name: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end }}

{{/* Names and secrets of accounts of the embedded store. Call with (dict "root" $ "accounts" (list …)), of client, root, reader. */}}
{{- define "va-tuning.accountsEnv" -}}
{{- $keys := .root.Values.store.secretKeys -}}
{{- $clients := include "va-tuning.storeSecret" .root -}}
{{- $others := include "va-tuning.storeAccounts" .root -}}
{{- range .accounts }}
{{- $prefix := get (dict "client" "AWS" "root" "ROOT" "reader" "READER") . }}
{{- $secret := ternary $clients $others (eq . "client") }}
{{- range $part := list "ACCESS_KEY_ID" "SECRET_ACCESS_KEY" }}
{{- $name := printf "%s_%s" $prefix $part }}
- {name: {{ $name }}, valueFrom: {secretKeyRef: {name: {{ $secret | quote }}, key: {{ dig $name $name $keys | quote }}}}}
{{- end }}
{{- end }}
{{- end }}

{{- define "va-tuning.storeEndpointEnv" }}
- {name: AWS_ENDPOINT_URL, value: {{ include "va-tuning.storeEndpoint" . | quote }}}
- {name: AWS_REGION, value: us-east-1}
- {name: AWS_ALLOW_HTTP, value: "true"}
{{- end }}

{{/* Environment of a client of the installed cluster's job API. */}}
{{- define "va-tuning.rayClientEnv" -}}
- {name: RAY_ADDRESS, value: {{ include "va-tuning.headAddress" . | quote }}}
- {name: RAY_AUTH_MODE, value: token}
- {name: RAY_AUTH_TOKEN, valueFrom: {secretKeyRef: {name: {{ include "va-tuning.authSecret" . | quote }}, key: auth_token}}}
{{- end }}

{{/* The metadata of every pod: the labels that policies select by win over those that are asked for, and what is asked for
     one kind of pods over what is asked for all (`pods`). Call with (dict "root" $ "settings" … "labels" YAML
     "annotations" DICT). */}}
{{- define "va-tuning.podMetadata" -}}
labels: {{- merge (fromYaml .labels) .settings.podLabels .root.Values.pods.podLabels | toYaml | nindent 2 }}
{{- with merge (default dict .annotations | deepCopy) .settings.podAnnotations .root.Values.pods.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where every pod runs: its own settings (those of head, workers, jobs or the embedded store) beside those of all pods.
     Call with (dict "root" $ "settings" …). */}}
{{- define "va-tuning.scheduling" -}}
{{- $all := .root.Values.pods -}}
{{- $own := .settings -}}
{{- with merge dict $own.nodeSelector $all.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $own.tolerations $all.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $all.affinity $own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $own.topologySpreadConstraints $all.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default $all.priorityClassName $own.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Pods that hold the store's keys are replaced when the keys are. */}}
{{- define "va-tuning.keyGeneration" -}}
va-tuning/key-generation: {{ int .Values.store.keyGeneration | quote }}
{{- end }}

{{/* The pod-level part that is the same everywhere. Call with (dict "root" $ "settings" …). */}}
{{- define "va-tuning.podBase" -}}
enableServiceLinks: false
securityContext: {{- include "va-tuning.podSecurityContext" .root | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with trim (include "va-tuning.scheduling" .) }}
{{ . }}
{{- end }}
{{- end }}

{{/* The metadata of a pod of `scriptPod`. Call with (dict "root" $ "component" …). */}}
{{- define "va-tuning.scriptPodMetadata" -}}
{{- include "va-tuning.podMetadata" (dict "root" .root "settings" .root.Values.job "labels" (include "va-tuning.labels" .) "annotations" .annotations) }}
{{- end }}

{{/* Hooks, tests and scheduled submitters: short Python programs that the tuning image holds.
     Call with (dict "root" $ "script" … "args" …), and as needed
     "store" true (its address and keys), "account" (one with a token of the API), "env", "mounts", "volumes" (YAML lists). */}}
{{- define "va-tuning.scriptPod" -}}
serviceAccountName: {{ default (include "va-tuning.serviceAccount" .root) .account | quote }}
automountServiceAccountToken: {{ not (not .account) }}
restartPolicy: Never
{{- include "va-tuning.podBase" (dict "root" .root "settings" .root.Values.job) | nindent 0 }}
containers:
  - name: main
    image: {{ include "va-tuning.image" .root | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [python, /opt/va-tuning/jobs/{{ .script }}]
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
      {{- if .store }}
      {{- with trim (include "va-tuning.storeMounts" .root) }}
      {{- . | nindent 6 }}
      {{- end }}
      {{- end }}
      {{- with .mounts }}
      {{- . | nindent 6 }}
      {{- end }}
volumes:
  - {name: tmp, emptyDir: {}}
  {{- if .store }}
  {{- with trim (include "va-tuning.storeVolumes" .root) }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- end }}
  {{- with .volumes }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end }}
