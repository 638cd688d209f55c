{{/* What is needed where the operator's objects are. test/e2e/operator-rbac.yaml says why; a test holds them together. */}}
{{- define "connector.rules.watched" -}}
- apiGroups: [aws.idhub.io]
  resources: [awsconnections, awsaccounts, awsentitlementbindings, awsreconciliations]
  verbs: [get, list, watch, patch]
- apiGroups: [aws.idhub.io]
  resources: [awsentitlementbindings, awsreconciliations]
  verbs: [create, delete]
- apiGroups: [aws.idhub.io]
  resources: [awsaccounts]
  verbs: [create, delete]
- apiGroups: [aws.idhub.io]
  resources: [awsaccounts/finalizers]
  verbs: [update]
- apiGroups: [aws.idhub.io]
  resources: [awsconnections/status, awsaccounts/status, awsentitlementbindings/status, awsreconciliations/status]
  verbs: [patch]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, create, patch, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* What is asked about callers: these are in no namespace. */}}
{{- define "connector.rules.callers" -}}
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
- apiGroups: [authorization.k8s.io]
  resources: [subjectaccessreviews]
  verbs: [create]
{{- end -}}

{{/* In the operator's own namespace: the Lease, the installation id, what came of operations. */}}
{{- define "connector.rules.own" -}}
- apiGroups: ['']
  resources: [configmaps]
  verbs: [get, create, patch, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, patch]
{{- end -}}

{{- define "connector.subjects" -}}
- kind: ServiceAccount
  name: {{ include "connector.serviceAccount" . | quote }}
  namespace: {{ .Release.Namespace | quote }}
{{- end -}}
