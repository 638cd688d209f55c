const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000 };

/** Milliseconds of `90d`, `12h` or `30m`, as the schemas have periods of time. */
export function periodMs(text: string): number {
  return Number(text.slice(0, -1)) * (units[text.slice(-1)] ?? Number.NaN);
}
