{{- define "wirespan.name" -}}
{{- if eq .Release.Name .Chart.Name }}{{ .Chart.Name }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "wirespan.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "wirespan.labels" -}}
{{ include "wirespan.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "wirespan.probe" -}}
{{- if .Values.hostNetwork }}
host: 127.0.0.1
{{- end }}
port: {{ .Values.health.port }}
{{- end }}
