import { isLoopback } from '../loopback.ts';

/** The one address that notifications go to. */
export type PushAddress =
  | { readonly kind: 'address'; readonly url: URL }
  /** It cannot be used; `why` ends a sentence that begins with the flag, and does not repeat what was given. */
  | { readonly kind: 'refused'; readonly why: string };

const maxLength = 2_048;

/**
 * Reads the address of a receiver: `https`, or `http` on the machine itself. Names and passwords do not belong
 * into an address, which is shown in lists of processes; requests are signed instead. Pure.
 */
export function readPushAddress(text: string): PushAddress {
  if (text.length > maxLength || !URL.canParse(text)) {
    return refused(
      `write a URL of at most ${maxLength} characters such as https://idhub.example.com/hooks/aws`,
    );
  }
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    return refused('leave name and password out of it: requests are signed with the keys of --push-secret');
  }
  if (text.includes('#')) {
    return refused('leave out what follows the #, which is never sent');
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) {
    return { kind: 'address', url };
  }
  return refused('write https; http is for 127.0.0.1, [::1] and localhost alone');
}

function refused(why: string): PushAddress {
  return { kind: 'refused', why };
}
