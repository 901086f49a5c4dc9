import {
  DEV_FIELDS,
  INHERITED_VIEW_OPTIONS,
  type IntegerSpec,
  OPTION_TABLE,
  type OptionSpec,
  VIEW_ONLY_TABLE,
} from "../../../src/client/options/table.js";

interface Row {
  readonly type: string;
  readonly standard: string;
  readonly allowed: string;
  readonly doc: string;
}

const code = (text: string): string => (text === "" ? "" : `\`${text}\``);
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, "_");
const UNITS = { ms: " ms", bytes: " bytes" } as const;

function integerRow({ default: standard, min, max, unit, doc }: IntegerSpec): Row {
  const shown = unit ? UNITS[unit] : "";
  return {
    type: "integer",
    standard: standard === null ? "not set" : `${code(grouped(standard))}${shown}`,
    allowed: `${code(grouped(min))} to ${code(grouped(max))}${shown}`,
    doc,
  };
}

function rowsOf(name: string, spec: OptionSpec): [string, Row][] {
  switch (spec.kind) {
    case "integer":
      return [[name, integerRow(spec)]];
    case "boolean":
      return [
        [name, { type: "boolean", standard: code(String(spec.default)), allowed: "`true`, `false`", doc: spec.doc }],
      ];
    case "choice": {
      const words = spec.choices.map((choice) => code(`"${choice}"`)).join(", ");
      const allowed = spec.orFunction ? `${words}, or a function ${code(spec.orFunction)}` : words;
      return [
        [
          name,
          {
            type: spec.orFunction ? "string or function" : "string",
            standard: code(`"${spec.default}"`),
            allowed,
            doc: spec.doc,
          },
        ],
      ];
    }
    case "group": {
      const own: [string, Row] = [name, { type: "object", standard: "as below", allowed: "as below", doc: spec.doc }];
      return [
        own,
        ...Object.entries(spec.fields).map(([field, each]): [string, Row] => [`${name}.${field}`, integerRow(each)]),
      ];
    }
    case "custom":
      return [
        [
          name,
          {
            type: code(spec.type),
            standard: spec.default === "none" ? "not set" : code(spec.default),
            allowed: "",
            doc: spec.doc,
          },
        ],
      ];
  }
}

function tableOf(specs: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(specs).flatMap(([name, spec]) => rowsOf(name, spec));
  const lines = rows.map(([name, { type, standard, allowed, doc }]) =>
    `| ${[code(name), type, standard, allowed, doc].map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replace(
      / +\|/g,
      " |",
    ),
  );
  return ["| option | type | default | allowed | meaning |", "|---|---|---|---|---|", ...lines].join("\n");
}

/** The text of docs/options.md, made of the option table alone. */
export function optionsPage(): string {
  const dev = Object.fromEntries(Object.entries(DEV_FIELDS).map(([name, spec]) => [`dev.${name}`, spec]));
  return `# Options

This page is made from the option table of the client by \`test/tidy/options-page.test.ts\`, which also compares the two.

Every option is checked when the client is made. A wrong one throws an \`InvalidOptionError\` with the code
\`IOREPLICA_INVALID_OPTION\`; its message names the option, the value unless that could be a secret, and what is
allowed. An unknown option is an error that names the nearest known one. \`undefined\` counts as not given.

## Of the client

Exactly one of \`nodes\`, \`master\`, \`sentinels\`, \`dev\` must be given, or a URL in place of the object. An address is
\`redis://user:password@host:6379/0\`, \`rediss://…\` for TLS, \`unix:///path\`, a path, \`host:port\`, or an object with
\`host\`, \`port\`, \`path\`, \`username\`, \`password\`, \`tls\`, \`db\`, \`zone\`, \`tags\`. Addresses are seeds: who is the
master, the servers tell. User name, password and TLS of the first node hold for nodes that are discovered, unless \`redisOptions\` gives them;
the number of the database must be the same for all.

A host name with several addresses, such as a reader endpoint or a headless service, is a node for each address, named by it
(\`10.0.0.2:6379\`), with user name, password, TLS (certificates are checked against the name), zone and tags of the name. It is
looked up again at an interval and when something fails: new addresses are used, those that are gone from the answer are
dropped, unless the master or a Sentinel still tells of them, or it is the master itself. A failed look-up changes nothing. A name with
one address is a node by its name; behind it there may be several servers, as with a balancer.

Reader endpoints of managed services often answer each look-up with one address, another one each time. If a name with one
address shows another one while what it led to before still answers, both are nodes, and so is each that it shows later; the
name itself is a node no longer, unless it is the master. The same holds for answers with several addresses once one comes
back that an answer before had left out. Such an address stays, shown or not, for as long as it answers and shows the
master's history. One that does not is dropped when no answer has shown it for six look-up intervals, or
\`failoverTimeoutMs\` if that is longer. An answer with several addresses, all that answer among them, ends this: it is
taken for complete. Of one name 64 addresses are remembered. To learn them soon, the name is looked up again half a second
after an answer with a new address; without one the time doubles, up to the interval. If what the name led to answers no
more, or the name leads to another server already, it has moved: it stays one node, by its name. Look-ups decide no roles:
where a primary endpoint moves, both servers are asked, and INFO tells which is the master.

${tableOf(OPTION_TABLE)}

### In-process servers

\`dev: true\` takes these defaults.

${tableOf(dev)}

## Of a view

\`client.with(options)\` takes ${INHERITED_VIEW_OPTIONS.map(code).join(", ")} as above, inherited from where it is called,
and these:

${tableOf(VIEW_ONLY_TABLE)}

\`consistency: "strong"\` beside \`readFrom: "replica"\` or \`"replicaPreferred"\` throws: only the master can give it. Where
\`readFrom\` was inherited, \`strong\` overrides it.

\`readTags\`, then \`preferZone\`, then \`latencyWindowMs\` choose among the nodes that \`readFrom\` and the level of consistency
leave, and load decides among those that remain. \`readTags\` is a condition: where no replica has the tags, a read goes where
\`readFrom\` sends it without an eligible replica (end the list with \`{}\` to have any replica instead). \`preferZone\` is a
wish: where the zone has no eligible node, the others serve. With \`"nearest"\` the master is a node like others; with the other
words it needs no tags. A \`readFrom\` function chooses by itself and sees \`zone\`, \`tags\` and \`latencyMs\` of each node.
`;
}
