{{- define "timbre.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "timbre.labels" -}}
app.kubernetes.io/name: timbre
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "timbre.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "timbre.security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "timbre.container" -}}
image: {{ include "timbre.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef: {name: {{ .Values.secret }}}
env:
  - name: TIMBRE_DATABASE_URL
    valueFrom: {secretKeyRef: {name: {{ .Values.secret }}, key: database-url}}
  - name: TIMBRE_MASTER_KEY
    valueFrom: {secretKeyRef: {name: {{ .Values.secret }}, key: master-key}}
  {{- range $name, $value := .Values.settings }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
volumeMounts:
  - {name: data, mountPath: /data}
  - {name: temporary, mountPath: /tmp}
{{- end }}

{{- define "timbre.volumes" -}}
- {name: data, emptyDir: {}}
- {name: temporary, emptyDir: {}}
{{- end }}
