/**
 * A double as Redis 7.0 prints it in replies: `%.17g` of C, with `inf` and `-inf` spelled out. (It is not the shortest
 * form that reads back equal: 3.1 prints as `3.1000000000000001`.)
 */
export function doubleText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return Object.is(value, -0) ? "-0" : String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [digits, exponent] = significant(value);
  const sign = value < 0 ? "-" : "";
  const kept = trimZeros(digits);
  if (exponent < -4 || exponent >= 17) {
    const fraction = kept.length > 1 ? `.${kept.slice(1)}` : "";
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${kept.charAt(0)}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${kept}`;
  if (kept.length <= exponent + 1) return sign + kept.padEnd(exponent + 1, "0");
  return `${sign}${kept.slice(0, exponent + 1)}.${kept.slice(exponent + 1)}`;
}

/** The 17 significant digits of |value| and its decimal exponent, ties rounded to even as C does. */
function significant(value: number): [digits: string, exponent: number] {
  const [mantissa = "", exponent = "0"] = Math.abs(value).toExponential(16).split("e");
  const digits = mantissa.replace(".", "");
  // JavaScript rounds a tie up; C rounds it to the even digit. A tie shows as exactly one further digit, a 5.
  const exact = Math.abs(value).toExponential(60).split("e")[0]?.replace(".", "") ?? "";
  if (exact.charAt(17) === "5" && /^0*$/.test(exact.slice(18)) && Number(exact.charAt(16)) % 2 === 0) {
    return [exact.slice(0, 17), Number(exponent)];
  }
  return [digits, Number(exponent)];
}

function trimZeros(digits: string): string {
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === 48) end--;
  return digits.slice(0, end);
}
