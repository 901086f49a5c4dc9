/** A number of bytes as INFO shows it for people: `1.50K`, `2.71M`. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "K", "M", "G", "T"]) {
    if (value < 1024 || unit === "T") return unit === "B" ? `${value}B` : `${value.toFixed(2)}${unit}`;
    value /= 1024;
  }
  return `${bytes}B`;
}
