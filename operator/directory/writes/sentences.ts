/**
 * What a condition says, for a client of the port: it has no object and no Secret to change, so what a condition asks
 * the author of one to do is left out. Pure.
 */
export function forClient(message: string): string {
  const [first = '', ...advice] = message
    .replace(/ in Secret [\w.-]+, key [\w.-]+/, '')
    .replace(' and was not made by this object', '')
    .split(/(?<=[;.]) +/);
  const kept = advice.filter((part) => !isForAuthors(part));
  return [first, ...kept].join(' ').replace(/;$/, '');
}

function isForAuthors(part: string): boolean {
  return (
    /\bspec\.\w+|\b(this|another) object\b/.test(part) || /^(Put one there|Give the operator)\b/.test(part)
  );
}
