import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * A TCP port of the loopback interface on which nobody listens now.
 *
 * It lies below the range from which the kernel takes ports for outgoing connections (32768 and up on Linux): a server
 * that is killed and started again on it would else find it taken by some client's connection now and then. Another
 * process may still take it in between, so who starts a server on it tries again with another one.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}
