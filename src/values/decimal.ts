/** What Python's Decimal() reads as a finite number, underscores taken out. */
const DECIMAL = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:e([+-]?\d+))?$/i;

/** Exponents beyond these stand for nothing a time could be; they are cut so that nobody can ask for a number of 10^9 digits. */
const MAX_EXPONENT = 1_000;

/**
 * A decimal number in any notation Python's Decimal() reads, cut off towards zero, exactly; undefined for anything else
 * (`NaN`, `Infinity`, `1,5`).
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
