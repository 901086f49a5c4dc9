/** The words for a socket's error: its code says more than "connect failed". */
export function describeSocketError(error: Error & { code?: string }): string {
  const { code, message } = error;
  // Our own errors say all in their words.
  const tells = code !== undefined && code !== "" && !code.startsWith("IOREPLICA_") && !message.includes(code);
  return tells ? `${code}: ${message}` : message;
}
