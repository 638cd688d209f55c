import { managedByUs } from '../names.ts';

/** Of Secrets that hold what runs remember and report. */
export function labelsOf(what: 'baseline' | 'report'): Readonly<Record<string, string>> {
  return { ...managedByUs, 'aws.idhub.io/content': what };
}
