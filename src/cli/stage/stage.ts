import type { PlainReply } from "../processes/resp-call.js";

/** Undoes what was done to a server. Safe to call twice. */
export type Undo = () => Promise<void>;

/** One server on the stage: the same controls over an in-process server and over a redis-server process. */
export interface StageNode {
  /** `host:port`, the way the client names it. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** Runs one command on a connection of its own. An error reply rejects with its text. */
  command(...words: (string | number | Buffer)[]): Promise<PlainReply>;
  /** One section of INFO as a map of its fields. */
  info(section: string): Promise<Map<string, string>>;
  /** How often commands of these names have run since the server started: what it did, as it counted itself. */
  calls(...commands: string[]): Promise<number>;
  /** As kill -9: connections reset, memory gone. Resolves when it is dead. */
  crash(): Promise<void>;
  /** Starts again at the same address, empty and as a master, like a process without persistence that a supervisor restarts. */
  restart(): Promise<void>;
  /** Answers nothing any more and keeps its connections, like a stopped process. */
  hang(): Promise<Undo>;
}

/** A master and its replicas, in the process or as processes, with the faults that both can be given. */
export interface Stage {
  readonly kind: "dev" | "real";
  /** In the order of the start: the first one was the master then. */
  readonly nodes: readonly [StageNode, ...StageNode[]];
  /** `{ master, replicas }` of the start, for `new ReplicatedClient(…)`. */
  readonly options: { readonly master: string; readonly replicas: string[] };
  /** The replica applies what its master writes `ms` milliseconds late, and goes on serving. */
  lag(replica: StageNode, ms: number): Promise<Undo>;
  /** The replica applies nothing more of what its master writes, keeps its link and goes on serving. */
  freeze(replica: StageNode): Promise<Undo>;
  /**
   * From now on nothing that this master acknowledges reaches a replica, unless undone while it lives: a crash of it
   * then loses those writes for certain. Undo it after the crash, before the promotion.
   */
  isolate(master: StageNode): Promise<Undo>;
  /** REPLICAOF NO ONE. */
  promote(node: StageNode): Promise<void>;
  /** REPLICAOF: returns when the command is accepted, the sync goes on. */
  follow(node: StageNode, master: StageNode): Promise<void>;
  /** Waits until each replica has applied all that the master had written when asked. */
  inSync(master: StageNode, replicas: readonly StageNode[]): Promise<void>;
  /** Ends every server. Idempotent. */
  stop(): Promise<void>;
}
