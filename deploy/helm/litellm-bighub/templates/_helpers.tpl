{{- define "bighub.name" -}}
{{ .Release.Name | trunc 45 | trimSuffix "-" }}
{{- end }}

{{- define "bighub.labels" -}}
app.kubernetes.io/name: litellm-bighub
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "bighub.pod" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap:
      name: {{ include "bighub.name" . }}
  - name: tmp
    emptyDir: {}
{{- end }}

{{- define "bighub.container" -}}
image: "{{ required "image.repository: where you pushed the image" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - secretRef:
      name: {{ required "existingSecret: the Secret with the keys and LITELLM_BIGHUB_DATABASE_URL" .Values.existingSecret }}
volumeMounts:
  - {name: config, mountPath: /etc/bighub, readOnly: true}
  - {name: tmp, mountPath: /tmp}
{{- end }}
