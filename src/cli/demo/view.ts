import pc from "picocolors";

/** One server in the picture. */
export interface NodeView {
  readonly id: string;
  /** What the server says it is; `down` while it doesn't answer. */
  readonly role: "master" | "replica" | "down";
  /** Whether the client sends its writes there. */
  readonly writable: boolean;
  /** Commands that the server counted since the scene began. */
  readonly reads: number;
  readonly writes: number;
  /** What was done to it: "20 ms behind", "killed". */
  readonly note: string;
}

export type SceneState = "waiting" | "running" | "held" | "failed";

/** One of the four points. */
export interface SceneView {
  readonly title: string;
  readonly state: SceneState;
  /** What has been counted so far, in words. */
  readonly lines: readonly string[];
}

/** Everything that is on the screen at one moment. */
export interface View {
  readonly subtitle: string;
  readonly elapsedMs: number;
  readonly nodes: readonly NodeView[];
  readonly scenes: readonly SceneView[];
}

const barCells = 16;
const eighths = " ▏▎▍▌▋▊▉";

/** A bar of up to `cells` cells, drawn in eighths of a cell. */
export function bar(share: number, cells: number): string {
  const parts = Math.round(Math.min(1, Math.max(0, share)) * cells * 8);
  const rest = eighths[parts % 8] ?? "";
  return ("█".repeat(Math.floor(parts / 8)) + (parts % 8 === 0 ? "" : rest)).padEnd(cells);
}

/** The whole frame, a line per element, each at most `columns` wide. */
export function renderView(view: View, columns: number): string[] {
  const seconds = `${(view.elapsedMs / 1000).toFixed(1)} s`;
  const frame = [
    "",
    `  ${pc.bold("ioreplica demo")}  ${pc.dim(`${view.subtitle} · ${seconds}`)}`,
    "",
    ...renderNodes(view.nodes).map((line) => `  ${line}`),
    "",
    ...view.scenes.flatMap((scene, index) => renderScene(scene, index + 1)).map((line) => `  ${line}`),
    "",
  ];
  return frame.map((line) => clip(line, columns));
}

/** The picture of the topology: the master on top, its replicas hanging from it, others by themselves. */
export function renderNodes(nodes: readonly NodeView[]): string[] {
  const total = Math.max(
    1,
    nodes.reduce((sum, node) => sum + node.reads, 0),
  );
  const replicas = nodes.filter((node) => node.role === "replica");
  const lastReplica = replicas.at(-1);
  const ordered = [
    ...nodes.filter((node) => node.writable && node.role === "master"),
    ...replicas,
    ...nodes.filter((node) => node.role !== "replica" && !(node.writable && node.role === "master")),
  ];
  return ordered.map((node) => {
    const branch = node.role === "replica" ? (node === lastReplica ? "└─ " : "├─ ") : "";
    const dot = { master: pc.green("●"), replica: pc.cyan("●"), down: pc.red("✗") }[node.role];
    const name = `${branch}${dot} ${node.role.padEnd(11 - branch.length)}`;
    const color = node.role === "master" ? pc.green : pc.cyan;
    return [
      `${name}${node.id.padEnd(16)}`,
      `reads ${number(node.reads, 7)} ${color(bar(node.reads / total, barCells))}`,
      `writes ${number(node.writes, 6)}`,
      pc.yellow(node.note),
    ].join("  ");
  });
}

function renderScene(scene: SceneView, position: number): string[] {
  const mark = { waiting: pc.dim("·"), running: pc.yellow("▸"), held: pc.green("✓"), failed: pc.red("✗") }[scene.state];
  const title = scene.state === "waiting" ? pc.dim(scene.title) : pc.bold(scene.title);
  return [`${mark} ${position}  ${title}`, ...scene.lines.map((line) => `     ${line}`)];
}

function number(value: number, width: number): string {
  return value.toLocaleString("en").padStart(width);
}

/** Cuts a line with colours to a width in visible characters. */
export function clip(line: string, columns: number): string {
  let visible = 0;
  let at = 0;
  while (at < line.length) {
    if (line[at] === "\u001b") {
      const end = line.indexOf("m", at);
      if (end < 0) break;
      at = end + 1;
      continue;
    }
    if (visible === columns) return `${line.slice(0, at)}\u001b[0m`;
    visible++;
    at++;
  }
  return line;
}
