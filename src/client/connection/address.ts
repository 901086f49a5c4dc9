/** Where a server listens. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** The name of an endpoint in events, errors and the topology: `host:port` (an IPv6 host without brackets), or the path. */
export function endpointId(endpoint: Endpoint): string {
  return "path" in endpoint ? endpoint.path : `${endpoint.host}:${endpoint.port}`;
}
