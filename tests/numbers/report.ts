// Prints what was measured: one line of JSON a measurement, to be kept with a release or compared with another.

/** Prints a measurement, numbers to four digits. */
export function report(figures: object): void {
  const short = (_: string, value: unknown): unknown => (typeof value === "number" ? Number(value.toPrecision(4)) : value);
  console.log(JSON.stringify(figures, short));
}
