/** Where the real servers of a run listen. */
export interface Servers {
  readonly master: { readonly host: string; readonly port: number };
  readonly replicas: readonly { readonly host: string; readonly port: number }[];
}

/** One client under measurement, connected. */
export interface Peer {
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Names a peer and knows how to connect it. Loaded in a process of its own. */
export interface PeerModule {
  /** Package and version, for the report. */
  readonly version: string;
  connect(servers: Servers): Promise<Peer>;
}
