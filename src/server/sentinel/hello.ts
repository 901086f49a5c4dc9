/** What Sentinels tell one another through the servers that they watch, on this channel. */
export const HELLO_CHANNEL = "__sentinel__:hello";

/** One Sentinel's word: who it is, and whom it takes for the master. */
export interface Hello {
  readonly host: string;
  readonly port: number;
  readonly runId: string;
  readonly epoch: number;
  readonly masterName: string;
  readonly masterHost: string;
  readonly masterPort: number;
  readonly configEpoch: number;
}

export function formatHello(hello: Hello): string {
  const { host, port, runId, epoch, masterName, masterHost, masterPort, configEpoch } = hello;
  return [host, port, runId, epoch, masterName, masterHost, masterPort, configEpoch].join(",");
}

/** Null for what is no such word. */
export function parseHello(text: string): Hello | null {
  const parts = text.split(",");
  const [host = "", port = "", runId = "", epoch = "", masterName = "", masterHost = "", masterPort = ""] = parts;
  const configEpoch = parts[7] ?? "";
  const numbers = [port, epoch, masterPort, configEpoch];
  if (parts.length !== 8 || !numbers.every((number) => /^\d{1,15}$/.test(number)) || runId.length !== 40) return null;
  return {
    host,
    port: Number(port),
    runId,
    epoch: Number(epoch),
    masterName,
    masterHost,
    masterPort: Number(masterPort),
    configEpoch: Number(configEpoch),
  };
}
