{{/* The Ray cluster, and the RayJobs that run on it or bring their own. */}}

{{/* The common part of the two containers. Call with (dict "root" $ "settings" …), and as needed "drain", the seconds that fits
     get to end in once the pod is told to. */}}
{{- define "va-tuning.rayContainer" -}}
image: {{ include "va-tuning.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
resources: {{- include "va-tuning.resources" .settings.resources | nindent 2 }}
securityContext: {{- include "va-tuning.securityContext" .root | nindent 2 }}
env:
  - {name: HOME, value: /tmp}
  - {name: VA_TUNING_IMAGE, value: {{ include "va-tuning.image" .root | quote }}}
  - {name: RAY_JOB_STOP_WAIT_TIME_S, value: "10"} # a search that is told to end needs up to 8 s
  {{- if hasKey . "drain" }}
  - {name: RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S, value: {{ .drain | quote }}}
  {{- end }}
  {{- with trim (include "va-tuning.storeEnv" .root) }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .root.Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- $storeEnvFrom := trim (include "va-tuning.storeEnvFrom" .root) }}
{{- if or $storeEnvFrom .root.Values.extraEnvFrom }}
envFrom:
  {{- with $storeEnvFrom }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .root.Values.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Call with (dict "root" $ "settings" … "component" … "experiment" …), and as needed "annotations". */}}
{{- define "va-tuning.rayPodMetadata" -}}
{{- $labels := include "va-tuning.selectorLabels" . -}}
{{- with .experiment }}
{{- $labels = printf "%s\nva-tuning/experiment: %s" $labels . }}
{{- end }}
{{- $annotations := merge (include "va-tuning.keyGeneration" .root | fromYaml) (default dict .annotations) -}}
{{- include "va-tuning.podMetadata" (dict "root" .root "settings" .settings "labels" $labels "annotations" $annotations) }}
{{- end }}

{{/* A RayCluster's spec. Call with (dict "root" $ "experiment" NAME): NAME is empty for the installed cluster; an
     experiment's own cluster mounts the ConfigMap of that name and gets a token of its own. */}}
{{- define "va-tuning.rayClusterSpec" -}}
{{- $values := .root.Values -}}
rayVersion: {{ $values.rayVersion | quote }}
authOptions:
  mode: token
  {{- if and $values.cluster.authSecret (not .experiment) }}
  secretName: {{ $values.cluster.authSecret | quote }}
  {{- end }}
{{- if not .experiment }}
upgradeStrategy: {type: {{ $values.cluster.upgradeStrategy | quote }}}
{{- end }}
enableInTreeAutoscaling: {{ $values.autoscaling.enabled }}
{{- with $values.autoscaling }}
{{- if .enabled }}
autoscalerOptions:
  version: v2
  upscalingMode: {{ .upscalingMode }}
  idleTimeoutSeconds: {{ .idleTimeoutSeconds }}
  imagePullPolicy: {{ $values.image.pullPolicy }}
  resources: {{- include "va-tuning.resources" .resources | nindent 4 }}
  securityContext: {{- include "va-tuning.securityContext" $.root | nindent 4 }}
  env: [{name: HOME, value: /tmp}]
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    # Only the autoscaler may ask the Kubernetes API: what experiments run in the head's own container finds no token.
    - {name: api-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}
{{- end }}
headGroupSpec:
  rayStartParams: {{- toYaml (merge (dict "num-cpus" "0") $values.head.rayStartParams) | nindent 4 }}
  template:
    metadata:
      {{- $keep := ternary (dict "cluster-autoscaler.kubernetes.io/safe-to-evict" "false" "karpenter.sh/do-not-disrupt" "true") dict (ne .experiment "") }}
      {{- include "va-tuning.rayPodMetadata" (dict "root" .root "settings" $values.head "component" "head" "experiment" .experiment "annotations" $keep) | nindent 6 }}
    spec:
      serviceAccountName: {{ include "va-tuning.headServiceAccount" .root | quote }}
      automountServiceAccountToken: false
      {{- include "va-tuning.podBase" (dict "root" .root "settings" $values.head) | nindent 6 }}
      containers:
        - name: ray-head
          {{- include "va-tuning.rayContainer" (dict "root" .root "settings" $values.head) | nindent 10 }}
          ports:
            - {name: gcs-server, containerPort: 6379}
            - {name: dashboard, containerPort: 8265}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: search-spaces, mountPath: /etc/va-tuning/search-spaces, readOnly: true}
            {{- if .experiment }}
            - {name: experiment, mountPath: /etc/va-tuning/experiment, readOnly: true}
            {{- end }}
            {{- with trim (include "va-tuning.storeMounts" .root) }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - {name: tmp, emptyDir: {}}
        {{- if $values.autoscaling.enabled }}
        - name: api-token
          projected:
            sources:
              - serviceAccountToken: {path: token, expirationSeconds: 3607}
              - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
              - downwardAPI: {items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]}
        {{- end }}
        - name: search-spaces
          projected:
            sources:
              {{- range $model := keys $values.searchSpaces | sortAlpha }}
              - configMap: {name: {{ include "va-tuning.searchSpaceName" (dict "root" $.root "model" $model) }}}
              {{- end }}
        {{- with .experiment }}
        - name: experiment
          configMap: {name: {{ . }}}
        {{- end }}
        {{- with trim (include "va-tuning.storeVolumes" .root) }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
workerGroupSpecs:
  - groupName: workers
    replicas: {{ int $values.workers.replicas }}
    minReplicas: {{ int $values.workers.minReplicas }}
    maxReplicas: {{ int $values.workers.maxReplicas }}
    rayStartParams: {{- toYaml (merge (dict "num-cpus" (toString (int $values.workers.cpus))) $values.workers.rayStartParams) | nindent 6 }}
    template:
      metadata:
        {{- include "va-tuning.rayPodMetadata" (dict "root" .root "settings" $values.workers "component" "worker" "experiment" .experiment) | nindent 8 }}
      spec:
        serviceAccountName: {{ include "va-tuning.serviceAccount" .root | quote }}
        automountServiceAccountToken: false
        terminationGracePeriodSeconds: {{ int $values.workers.terminationGracePeriodSeconds }}
        {{- include "va-tuning.podBase" (dict "root" .root "settings" $values.workers) | nindent 8 }}
        containers:
          - name: ray-worker
            {{- $drain := max 0 (sub (int $values.workers.terminationGracePeriodSeconds) 5) }}
            {{- include "va-tuning.rayContainer" (dict "root" .root "settings" $values.workers "drain" $drain) | nindent 12 }}
            volumeMounts:
              - {name: tmp, mountPath: /tmp}
              {{- with trim (include "va-tuning.storeMounts" .root) }}
              {{- . | nindent 14 }}
              {{- end }}
              {{- with $values.extraVolumeMounts }}
              {{- toYaml . | nindent 14 }}
              {{- end }}
        volumes:
          - {name: tmp, emptyDir: {}}
          {{- with trim (include "va-tuning.storeVolumes" .root) }}
          {{- . | nindent 10 }}
          {{- end }}
          {{- with $values.extraVolumes }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
{{- end }}

{{- define "va-tuning.searchSpaceName" -}}
{{ include "va-tuning.fullname" .root }}-space-{{ .model | replace "_" "-" }}
{{- end }}

{{/* The pod that submits a RayJob's entrypoint and stays with it. KubeRay adds the address and the token; its own command
     would take a head that is shut down in good order for the end of the job. The pod mounts the experiment too: a job
     on the installed cluster sends it along as its working directory. */}}
{{- define "va-tuning.submitterPod" -}}
{{- $labels := printf "%s\nva-tuning/experiment: %s" (include "va-tuning.selectorLabels" (dict "root" .root "component" "submitter")) .experiment -}}
metadata:
  {{- include "va-tuning.podMetadata" (dict "root" .root "settings" .root.Values.job "labels" $labels) | nindent 2 }}
spec:
  serviceAccountName: {{ include "va-tuning.serviceAccount" .root | quote }}
  automountServiceAccountToken: false
  restartPolicy: Never
  {{- include "va-tuning.podBase" (dict "root" .root "settings" .root.Values.job) | nindent 2 }}
  containers:
    - name: ray-job-submitter
      image: {{ include "va-tuning.image" .root | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: [python, -m, tuner_job.execution.ray_job]
      args: [{{ if .installed }}--working-dir, /etc/va-tuning/experiment, {{ end }}--, {{ include "va-tuning.entrypoint" . | splitList " " | join ", " }}]
      resources: {{- include "va-tuning.resources" .root.Values.job.submitterResources | nindent 8 }}
      securityContext: {{- include "va-tuning.securityContext" .root | nindent 8 }}
      env: [{name: HOME, value: /tmp}]
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        - {name: experiment, mountPath: /etc/va-tuning/experiment, readOnly: true}
  volumes:
    - {name: tmp, emptyDir: {}}
    - {name: experiment, configMap: {name: {{ .experiment }}}}
{{- end }}

{{- define "va-tuning.entrypoint" -}}
va-tuning tune {{ ternary "experiment.yaml" "/etc/va-tuning/experiment/experiment.yaml" .installed }}
{{- end }}

{{/* A complete RayJob. Call with (dict "root" $ "experiment" NAME "installed" BOOL): on the installed cluster, or with
     a cluster of its own. */}}
{{- define "va-tuning.rayJob" -}}
{{- $job := .root.Values.job -}}
apiVersion: ray.io/v1
kind: RayJob
metadata:
  name: {{ .experiment }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "va-tuning.selectorLabels" (dict "root" .root "component" "experiment") | nindent 4 }}
    va-tuning/experiment: {{ .experiment }}
    {{- if not .installed }}
    {{- with .root.Values.kueue.queueName }}
    kueue.x-k8s.io/queue-name: {{ . | quote }}
    {{- end }}
    {{- end }}
spec:
  submissionMode: K8sJobMode
  submitterConfig: {backoffLimit: {{ int $job.submitterBackoffLimit }}}
  preRunningDeadlineSeconds: {{ int $job.preRunningDeadlineSeconds }}
  {{- with $job.activeDeadlineSeconds }}
  activeDeadlineSeconds: {{ int . }}
  {{- end }}
  {{- if .installed }}
  entrypoint: {{ include "va-tuning.entrypoint" . }}
  clusterSelector: {ray.io/cluster: {{ include "va-tuning.fullname" .root | quote }}}
  {{- else }}
  entrypoint: {{ include "va-tuning.entrypoint" . }}
  backoffLimit: {{ int $job.backoffLimit }}
  shutdownAfterJobFinishes: true
  ttlSecondsAfterFinished: {{ int $job.ttlSecondsAfterFinished }}
  {{- end }}
  submitterPodTemplate: {{- include "va-tuning.submitterPod" . | nindent 4 }}
  {{- if not .installed }}
  rayClusterSpec: {{- include "va-tuning.rayClusterSpec" (dict "root" .root "experiment" .experiment) | nindent 4 }}
  {{- end }}
{{- end }}
