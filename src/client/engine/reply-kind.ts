/** Is this a server's error reply, as against the end of a connection? ioredis's class has no other mark that lasts across copies of it. */
export function isReplyError(error: Error): boolean {
  return error.name === "ReplyError";
}
