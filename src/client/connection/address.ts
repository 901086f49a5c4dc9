/** Where a server listens. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** A node, and where it is reached. */
export interface Target {
  /** Id in the topology. */
  readonly node: string;
  readonly endpoint: Endpoint;
  /** The seed that this is one address of: its user name, password, TLS, zone and tags are this node's. */
  readonly name?: string | null;
}

/** The name of an endpoint in events, errors and the topology: `host:port` (an IPv6 host without brackets), or the path. */
export function endpointId(endpoint: Endpoint): string {
  return "path" in endpoint ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
}
