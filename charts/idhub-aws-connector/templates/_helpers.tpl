{{- define "connector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "connector.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "connector.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "connector.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Of objects that are in no namespace: two releases of one name must not share them. */}}
{{- define "connector.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "connector.fullname" .) -}}
{{- end -}}

{{- define "connector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "connector.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "connector.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "connector.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "connector.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "connector.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "connector.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with the certificate of the HTTP port; empty for plain HTTP. */}}
{{- define "connector.tlsSecret" -}}
{{- if .Values.http.tls.secretName -}}
{{- .Values.http.tls.secretName -}}
{{- else if .Values.http.tls.certManager.enabled -}}
{{- printf "%s-tls" (include "connector.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* What the HTTP port speaks. */}}
{{- define "connector.scheme" -}}
{{- ternary "https" "http" (ne (include "connector.tlsSecret" .) "") -}}
{{- end -}}

{{/* Where clients reach the port: as given, else the Service; empty where trusted proxies say it. */}}
{{- define "connector.publicUrl" -}}
{{- if .Values.http.publicUrl -}}
{{- .Values.http.publicUrl -}}
{{- else if not .Values.http.trustedProxies -}}
{{- printf "%s://%s.%s.svc:%v" (include "connector.scheme" .) (include "connector.fullname" .) .Release.Namespace .Values.http.service.port -}}
{{- end -}}
{{- end -}}

{{/* A time such as 25s, in seconds, rounded up. */}}
{{- define "connector.seconds" -}}
{{- if hasSuffix "ms" . -}}
{{- div (add (trimSuffix "ms" . | int) 999) 1000 -}}
{{- else if hasSuffix "s" . -}}
{{- trimSuffix "s" . | int -}}
{{- else if hasSuffix "m" . -}}
{{- mul (trimSuffix "m" . | int) 60 -}}
{{- else -}}
{{- mul (trimSuffix "h" . | int) 3600 -}}
{{- end -}}
{{- end -}}

{{/* Seconds after which a reading of an AWS account is old: three were missed, and half an hour is over. */}}
{{- define "connector.snapshotOld" -}}
{{- max 1800 (mul 3 (include "connector.seconds" .Values.snapshotInterval | int)) -}}
{{- end -}}

{{/* What the schema cannot say, since it is about two values at once. */}}
{{- define "connector.validate" -}}
{{- $grace := add (include "connector.seconds" .Values.gracePeriod | int) (int .Values.preStopSeconds) -}}
{{- if le (int .Values.terminationGracePeriodSeconds) (int $grace) -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, gracePeriod is %s and preStopSeconds comes before it: write at least %d, so that running work can end before the pod is killed" (int .Values.terminationGracePeriodSeconds) .Values.gracePeriod (add $grace 5 | int)) -}}
{{- end -}}
{{- if and (not .Values.leaderElect) (gt (int .Values.replicas) 1) -}}
{{- fail (printf "leaderElect is false and replicas is %d: without the Lease, each replica would write; write replicas: 1, or leave leaderElect alone" (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.http.tls.secretName .Values.http.tls.certManager.enabled -}}
{{- fail "http.tls.secretName and http.tls.certManager.enabled are both given: the certificate comes from one of them" -}}
{{- end -}}
{{- if and .Values.http.tls.certManager.enabled (not .Values.http.tls.certManager.issuerRef.name) -}}
{{- fail "http.tls.certManager.enabled is true: write the name of an issuer into http.tls.certManager.issuerRef.name" -}}
{{- end -}}
{{- if and .Values.http.oidc.issuer (not .Values.http.oidc.audience) -}}
{{- fail "http.oidc.issuer is given: write the audience of the tokens into http.oidc.audience; without one, a token for anybody else would open the port too" -}}
{{- end -}}
{{- if and (not .Values.http.oidc.issuer) (or .Values.http.oidc.audience .Values.http.oidc.clients .Values.http.oidc.jwksUrl) -}}
{{- fail "http.oidc.audience, http.oidc.clients and http.oidc.jwksUrl go with http.oidc.issuer" -}}
{{- end -}}
{{- if ne (empty .Values.push.url) (empty .Values.push.secret) -}}
{{- fail "push.url and push.secret go together: write both, or none of them" -}}
{{- end -}}
{{- $interval := include "connector.seconds" .Values.idhub.interval | int -}}
{{- if or (lt $interval 1) (gt $interval 600) -}}
{{- fail (printf "idhub.interval is %s: write a time from 1s to 10m" .Values.idhub.interval) -}}
{{- end -}}
{{- if and .Values.listMaxAge (lt (include "connector.seconds" .Values.listMaxAge | int) (include "connector.seconds" .Values.snapshotInterval | int)) -}}
{{- fail (printf "listMaxAge is %s and snapshotInterval is %s: lists would be refused most of the time; write at least the interval, or leave listMaxAge out" .Values.listMaxAge .Values.snapshotInterval) -}}
{{- end -}}
{{- if and (hasPrefix "http://" .Values.http.oidc.issuer) (not .Values.http.oidc.allowHttp) -}}
{{- fail "http.oidc.issuer is asked over plain HTTP: whoever is on the way can come in as anybody; write an https address, or http.oidc.allowHttp: true" -}}
{{- end -}}
{{- if and .Values.metrics.serviceMonitor.enabled (not .Values.metrics.service.enabled) -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.service.enabled" -}}
{{- end -}}
{{- if eq (int .Values.http.port) (int .Values.metrics.port) -}}
{{- fail "http.port and metrics.port are the same: two servers cannot have one port" -}}
{{- end -}}
{{- $further := dict "podLabels" .Values.podLabels "serviceAccount.labels" .Values.serviceAccount.labels "http.service.labels" .Values.http.service.labels "metrics.service.labels" .Values.metrics.service.labels "metrics.serviceMonitor.labels" .Values.metrics.serviceMonitor.labels "metrics.prometheusRule.labels" .Values.metrics.prometheusRule.labels "metrics.dashboard.labels" .Values.metrics.dashboard.labels -}}
{{- range $value, $labels := $further -}}
{{- range $name := keys (default (dict) $labels) | sortAlpha -}}
{{- if or (hasKey (include "connector.labels" $ | fromYaml) $name) (eq $name "app.kubernetes.io/component") -}}
{{- fail (printf "%s has %s, by which the chart finds what is its own: leave it out" $value $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
