import pc from "picocolors";
import { renderNodes, renderView, type View } from "./view.js";

/** Shows a view as it changes. */
export interface Screen {
  /** Draws what there is now. Called often; cheap when nothing can be seen of it. */
  draw(view: View): void;
  /** One scene has ended. */
  sceneEnded(view: View, index: number): void;
  /** Draws for the last time and gives the terminal back. */
  close(view: View): void;
}

/** Chooses by what standard output is: frames redrawn in place for a terminal, lines for a pipe, nothing for JSON. */
export function openScreen(output: NodeJS.WriteStream, json: boolean): Screen {
  if (json) return silentScreen;
  return output.isTTY ? new LiveScreen(output) : new PlainScreen(output);
}

const silentScreen: Screen = { draw() {}, sceneEnded() {}, close() {} };

/** Redraws the frame over itself, line by line, without clearing the screen: nothing flickers. */
class LiveScreen implements Screen {
  readonly #output: NodeJS.WriteStream;
  #height = 0;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
    output.write("\u001b[?25l");
  }

  draw(view: View): void {
    const lines = renderView(view, this.#output.columns);
    // Taller than the terminal, it can't be drawn over: what scrolled away is out of reach.
    const visible = lines.slice(-Math.max(1, this.#output.rows - 1));
    const up = this.#height > 0 ? `\u001b[${this.#height}A` : "";
    const rest = this.#height > visible.length ? "\u001b[J" : "";
    this.#output.write(`${up}${visible.map((line) => `\r${line}\u001b[K\n`).join("")}${rest}`);
    this.#height = visible.length;
  }

  sceneEnded(view: View): void {
    this.draw(view);
  }

  close(view: View): void {
    this.draw(view);
    this.#output.write("\u001b[?25h");
  }
}

/** A few lines when a scene begins and when it has ended: for pipes and logs. */
class PlainScreen implements Screen {
  readonly #output: NodeJS.WriteStream;
  #announced = -1;

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  draw(view: View): void {
    const running = view.scenes.findIndex((scene) => scene.state === "running");
    if (running <= this.#announced) return;
    if (this.#announced < 0) this.#write([`ioreplica demo: ${view.subtitle}`]);
    this.#announced = running;
    this.#write(["", `${running + 1}. ${view.scenes[running]?.title}`]);
  }

  sceneEnded(view: View, index: number): void {
    const scene = view.scenes[index];
    if (scene === undefined) return;
    this.#write([
      ...renderNodes(view.nodes).map((line) => `   ${line.trimEnd()}`),
      ...scene.lines.map((line) => `   ${line}`),
      scene.state === "held" ? pc.green("   held") : pc.red("   DID NOT HOLD"),
    ]);
  }

  close(view: View): void {
    this.#write(["", `${(view.elapsedMs / 1000).toFixed(1)} s`]);
  }

  #write(lines: readonly string[]): void {
    this.#output.write(`${lines.join("\n")}\n`);
  }
}
