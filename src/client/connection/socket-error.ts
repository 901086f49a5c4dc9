/** The words for a socket's error: its code says more than "connect failed". */
export function describeSocketError(error: Error & { code?: string }): string {
  return error.code && !error.message.includes(error.code) ? `${error.code}: ${error.message}` : error.message;
}
