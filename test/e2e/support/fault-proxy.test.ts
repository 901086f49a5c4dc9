import { type AddressInfo, createConnection, createServer, type Server, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.js";
import { FaultProxy } from "../../support/fault-proxy.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that repeats what it hears and hangs up at "q", a proxy in front of it, and a client; what each of them heard. */
async function line() {
  const heard = { server: "", client: "", closed: false };
  const server: Server = createServer((socket) => {
    socket.on("data", (chunk) => {
      heard.server += String(chunk);
      socket.write(chunk);
      if (String(chunk) === "q") socket.end();
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  const proxy = await FaultProxy.start({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  ends.push(() => proxy.stop());
  const client: Socket = createConnection({ host: proxy.host, port: proxy.port });
  ends.push(() => client.destroy());
  client.on("data", (chunk) => void (heard.client += String(chunk)));
  client.on("close", () => void (heard.closed = true));
  client.on("error", () => {});
  client.write("a");
  await eventually(() => expect(heard).toEqual({ server: "a", client: "a", closed: false }));
  return { proxy, client, heard };
}

it("keeps replies while they are held, hands them over when they are not, in their order", async () => {
  const { proxy, client, heard } = await line();
  proxy.hold(["toClient"]);
  client.write("b");
  await eventually(() => expect(heard.server).toBe("ab"));
  expect(heard.client).toBe("a");
  client.write("c");
  proxy.clear();
  await eventually(() => expect(heard.client).toBe("abc"));
});

it("keeps requests from the server, and loses them with a reset, which both sides see", async () => {
  const { proxy, client, heard } = await line();
  proxy.hold(["toServer"]);
  client.write("b");
  proxy.reset();
  proxy.clear();
  await eventually(() => expect(heard.closed).toBe(true));
  expect(heard).toMatchObject({ server: "a", client: "a" });
  expect(proxy.connections).toBe(0);
});

it("hands over what was under way before the end of a connection, however late it is", async () => {
  const { proxy, client, heard } = await line();
  proxy.delay(30, ["toClient"]);
  client.write("q");
  await eventually(() => expect(heard).toEqual({ server: "aq", client: "aq", closed: true }));
});
