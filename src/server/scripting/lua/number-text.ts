/** A number as C's `printf("%.<digits>g")` writes it, which is how Lua and Redis turn numbers into text. */
export function numberText(value: number, digits: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (Number.isInteger(value) && Math.abs(value) < 1e15 && Math.abs(value) < 10 ** digits) return String(value);
  const [mantissa = "", exponentText = "0"] = rounded(value, digits).split("e");
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= digits) {
    const sign = exponent < 0 ? "-" : "+";
    return `${trimmed(mantissa)}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return trimmed(plain(mantissa, exponent));
}

/** In exponential form with so many digits. JavaScript rounds what lies half-way up, C to the even digit. */
function rounded(value: number, digits: number): string {
  const text = value.toExponential(digits - 1);
  const [exact = "", exponent = "0"] = value.toExponential(100).split("e");
  const point = exact.indexOf(".") + 1;
  const rest = exact.slice(point + digits - 1);
  const isTie = rest.startsWith("5") && /^50*$/.test(rest);
  const last = Number(
    exact
      .slice(0, point + digits - 1)
      .replace(".", "")
      .at(-1),
  );
  return isTie && last % 2 === 0 ? `${exact.slice(0, point + digits - 1)}e${exponent}` : text;
}

/** A mantissa without its exponent of ten, which is small: `1.25` and 1 give `12.5`. */
function plain(mantissa: string, exponent: number): string {
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** Without the zeros behind a decimal point. */
function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}
