const newline = 0x0a;

/** The lines of NDJSON that are not empty, without their ends. */
export function* linesOf(text: Buffer): Generator<Buffer> {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf(newline, from);
    const to = end === -1 ? text.length : end;
    if (to > from) {
      yield text.subarray(from, to);
    }
    from = to + 1;
  }
}
