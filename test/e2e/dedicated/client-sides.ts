import { afterEach } from "vitest";
import { ClientSide } from "./client-side.js";

/** Clients and servers of one test, which end with it. */
export function useClientSides(): {
  client(...settings: ConstructorParameters<typeof ClientSide>): ClientSide;
  own<Started extends { stop(): Promise<unknown> }>(server: Started): Started;
} {
  const servers: { stop(): Promise<unknown> }[] = [];
  const clients: ClientSide[] = [];
  afterEach(async () => {
    for (const each of clients.splice(0)) each.dedicated.close();
    await Promise.all(servers.splice(0).map((each) => each.stop()));
  });
  return {
    client(...settings) {
      const made = new ClientSide(...settings);
      clients.push(made);
      return made;
    },
    own(server) {
      servers.push(server);
      return server;
    },
  };
}
