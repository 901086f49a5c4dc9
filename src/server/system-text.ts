/** What C's strerror says of the errors of files and sockets that redis-server tells of; Node.js words them otherwise. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAFNOSUPPORT: "Address family not supported by protocol",
  ECONNREFUSED: "Connection refused",
  EEXIST: "File exists",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  EMFILE: "Too many open files",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  ENOTFOUND: "Name or service not known",
  EPERM: "Operation not permitted",
  EROFS: "Read-only file system",
};

/** A system's error as redis-server words it; names no path. */
export function systemText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return TEXTS[code ?? ""] ?? code ?? message;
}
