import { managedByUs } from '../names.ts';

/** Of Secrets that hold what runs remember and report, and what is to be sent of it. */
export function labelsOf(what: 'baseline' | 'report' | 'push'): Readonly<Record<string, string>> {
  return { ...managedByUs, 'aws.idhub.io/content': what };
}
