/** Of Secrets that hold what runs remember and report. */
export function labelsOf(what: 'baseline' | 'report'): Readonly<Record<string, string>> {
  return { 'app.kubernetes.io/managed-by': 'idhub-aws-connector', 'aws.idhub.io/content': what };
}
