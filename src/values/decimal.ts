/** The finite numbers that Python's Decimal() reads, without underscores. */
const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;

/** The largest exponent. Larger ones are replaced by it, so that no request can ask for a number of 10^9 digits. */
const MAX_EXPONENT = 1_000;

/**
 * Reads a decimal number in any notation of Python's Decimal() and cuts it off towards zero, exactly; undefined for
 * any other text (`NaN`, `Infinity`, `1,5`).
 */
export function truncatedDecimal(text: string): bigint | undefined {
  const match = DECIMAL.exec(text.replace(/(?<=\d)_(?=\d)/g, ""));
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", bare = "", exponent = "0"] = match;
  const decimals = fraction + bare;
  const shift = Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, Number(exponent)));
  const point = whole.length + shift;
  const digits = `${whole}${decimals}`.padEnd(point, "0").slice(0, Math.max(0, point));
  const value = BigInt(digits || "0");
  return sign === "-" ? -value : value;
}
