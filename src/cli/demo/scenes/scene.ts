import type { ReplicatedClient } from "../../../index.js";
import type { Stage, StageNode } from "../../stage/stage.js";
import type { DemoState } from "../demo-state.js";

/** What every scene gets. */
export interface SceneContext {
  readonly stage: Stage;
  readonly nodes: { readonly master: StageNode; readonly first: StageNode; readonly second: StageNode };
  readonly client: ReplicatedClient;
  readonly state: DemoState;
}

/** What a scene counted, and whether its promise held. */
export interface SceneResult {
  readonly held: boolean;
  readonly figures: Readonly<Record<string, unknown>>;
}

export interface Scene {
  readonly title: string;
  play(context: SceneContext): Promise<SceneResult>;
}

/** `3 of 12`, `25 %`. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(part === 0 || part === whole ? 0 : 1)} %`;
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** An error's code if it has one, else its first words: what a report may show of it. */
export function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as Error & { code?: unknown };
  return typeof code === "string" ? code : error.message.slice(0, 80);
}
