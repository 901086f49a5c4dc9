import type { Stage, StageNode } from "../stage/stage.js";
import type { Screen } from "./screen.js";
import type { NodeView, SceneState, View } from "./view.js";

const readCommands = ["get", "hgetall"] as const;
const writeCommands = ["set", "hset", "decr"] as const;

/** What a server counted. */
export interface Counts {
  readonly reads: number;
  readonly writes: number;
}

interface SceneRecord {
  readonly title: string;
  state: SceneState;
  lines: readonly string[];
}

/** What the demo knows at a moment, kept fresh by asking the servers; draws itself on the screen. */
export class DemoState {
  readonly #stage: Stage;
  readonly #screen: Screen;
  readonly #subtitle: string;
  readonly #startedAt = performance.now();
  readonly #scenes: SceneRecord[];
  readonly #seen = new Map<StageNode, { role: NodeView["role"]; counts: Counts }>();
  readonly #baseline = new Map<StageNode, Counts>();
  readonly #notes = new Map<StageNode, string>();
  readonly #asking = new Set<StageNode>();
  readonly #timer: NodeJS.Timeout;
  readonly #writableId: () => string | null;
  #current = -1;
  #closed = false;

  constructor(
    stage: Stage,
    screen: Screen,
    options: { subtitle: string; titles: readonly string[]; writableId: () => string | null },
  ) {
    this.#stage = stage;
    this.#screen = screen;
    this.#subtitle = options.subtitle;
    this.#writableId = options.writableId;
    this.#scenes = options.titles.map((title) => ({ title, state: "waiting", lines: [] }));
    this.#timer = setInterval(() => {
      for (const node of stage.nodes) void this.#ask(node);
      screen.draw(this.view());
    }, 100);
  }

  /** Begins the next scene: counting starts anew. */
  async beginScene(): Promise<void> {
    this.#current++;
    const scene = this.#scenes[this.#current];
    if (scene !== undefined) scene.state = "running";
    await this.resetCounts();
    this.#screen.draw(this.view());
  }

  /** What has been counted so far in the present scene, in words. */
  say(lines: readonly string[]): void {
    const scene = this.#scenes[this.#current];
    if (scene !== undefined) scene.lines = lines;
  }

  async endScene(held: boolean): Promise<void> {
    const scene = this.#scenes[this.#current];
    if (scene !== undefined) scene.state = held ? "held" : "failed";
    await Promise.all(this.#stage.nodes.map((node) => this.#ask(node)));
    this.#screen.sceneEnded(this.view(), this.#current);
  }

  note(node: StageNode, text: string): void {
    this.#notes.set(node, text);
  }

  /** Counting starts anew, of what each server says now. A server that is down counts from zero. */
  async resetCounts(): Promise<void> {
    await Promise.all(
      this.#stage.nodes.map(async (node) => {
        this.#baseline.set(node, await countsOf(node).catch(() => ({ reads: 0, writes: 0 })));
        await this.#ask(node);
      }),
    );
  }

  /** What each server has counted since {@link resetCounts}, asked now. */
  async counts(): Promise<{ node: StageNode; reads: number; writes: number }[]> {
    return Promise.all(
      this.#stage.nodes.map(async (node) => {
        const now = await countsOf(node);
        const before = this.#baseline.get(node) ?? { reads: 0, writes: 0 };
        return { node, reads: now.reads - before.reads, writes: now.writes - before.writes };
      }),
    );
  }

  view(): View {
    return {
      subtitle: this.#subtitle,
      elapsedMs: performance.now() - this.#startedAt,
      nodes: this.#stage.nodes.map((node) => this.#nodeView(node)),
      scenes: this.#scenes,
    };
  }

  /** Stops asking and draws for the last time. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#screen.close(this.view());
  }

  #nodeView(node: StageNode): NodeView {
    const { role, counts } = this.#seen.get(node) ?? { role: "down" as const, counts: { reads: 0, writes: 0 } };
    const before = this.#baseline.get(node) ?? { reads: 0, writes: 0 };
    return {
      id: node.id,
      role,
      writable: this.#writableId() === node.id,
      reads: Math.max(0, counts.reads - before.reads),
      // A replica runs the master's writes too; shown is what clients sent.
      writes: role === "replica" ? 0 : Math.max(0, counts.writes - before.writes),
      note: this.#notes.get(node) ?? "",
    };
  }

  /** One question per server at a time: a stopped one must not gather a queue. */
  async #ask(node: StageNode): Promise<void> {
    if (this.#asking.has(node)) return;
    this.#asking.add(node);
    try {
      const [counts, info] = await Promise.all([countsOf(node), node.info("replication")]);
      this.#seen.set(node, { role: info.get("role") === "master" ? "master" : "replica", counts });
    } catch {
      // A restarted process counts from zero again.
      this.#seen.set(node, { role: "down", counts: { reads: 0, writes: 0 } });
      this.#baseline.set(node, { reads: 0, writes: 0 });
    } finally {
      this.#asking.delete(node);
    }
  }
}

async function countsOf(node: StageNode): Promise<Counts> {
  const [reads, writes] = await Promise.all([node.calls(...readCommands), node.calls(...writeCommands)]);
  return { reads, writes };
}
