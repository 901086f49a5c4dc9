import { answering, type Rule } from "../facts.js";

const DAY_MS = 86_400_000;
/** Days before its end from which a certificate is spoken of. */
const CERTIFICATE_DAYS = 21;

/** What becomes worse when the client may not run a command. */
const NEEDED: Readonly<Record<string, { readonly why: string; readonly severity: "warning" | "info" }>> = {
  "client|kill": {
    why: "a write whose reply was lost may still run after later ones: the client can't have the old connection killed before it goes on",
    severity: "warning",
  },
  wait: { why: "durable writes (ack) can't be confirmed", severity: "info" },
  command: { why: "the client routes by its own table, which doesn't know your modules", severity: "info" },
  "client|id": {
    why: "the client can't name its connections, so it can't have an old one killed",
    severity: "warning",
  },
};

/** The commands that are tried for {@link NEEDED}; each is harmless. */
export const PROBES: Readonly<Record<keyof typeof NEEDED, readonly string[]>> = {
  // No connection has that number.
  "client|kill": ["CLIENT", "KILL", "ID", "9007199254740991"],
  wait: ["WAIT", "0", "1"],
  command: ["COMMAND", "COUNT"],
  "client|id": ["CLIENT", "ID"],
};

/** Who may enter, who may do what, and for how long. */
export const ACCESS_RULES: readonly Rule[] = [
  {
    id: "masterauth-missing",
    judge: (facts) => {
      const nodes = answering(facts);
      const locked = nodes.filter(({ settings }) => (settings?.get("requirepass") ?? "") !== "");
      return nodes.flatMap(({ id, settings, replication }) => {
        const others = locked.filter((other) => other.id !== id);
        if (settings?.get("masterauth") !== "" || others.length === 0) return [];
        return [
          {
            severity: replication.role === "replica" ? "critical" : "warning",
            node: id,
            seen: `${others.map((other) => other.id).join(", ")} want a password, and it has no masterauth`,
            why:
              replication.role === "replica"
                ? "it can't follow a master that wants a password, at the latest after the next failover"
                : "after a failover it can't follow the new master",
            advice: "set masterauth (and masteruser) on every node, the master too",
          },
        ];
      });
    },
  },
  {
    id: "open-to-all",
    judge: (facts) =>
      answering(facts).flatMap(({ id, settings }) => {
        const open = settings?.get("requirepass") === "" && settings.get("protected-mode") === "no";
        const bind = settings?.get("bind") ?? "";
        const local = bind !== "" && bind.split(/\s+/).every((one) => /^-?(127\.|::1$|localhost$)/.test(one));
        if (!open || local) return [];
        return [
          {
            severity: "critical",
            node: id,
            seen: `no password (of the default user), protected-mode no, bind "${bind}"`,
            why: "whoever reaches the port can read and delete everything, or make it a replica of his own server",
            advice: "set a password (or ACL users), or bind to addresses that only your machines reach",
          },
        ];
      }),
  },
  {
    id: "password-in-plain-text",
    judge: ({ nodes }) =>
      nodes.flatMap(({ id, passwordInPlainText }) =>
        passwordInPlainText
          ? [
              {
                severity: "warning",
                node: id,
                seen: "a password is sent there without TLS",
                why: "whoever sees the network has it",
                advice: "use TLS (rediss://…), unless the network is your own",
              },
            ]
          : [],
      ),
  },
  {
    id: "certificate",
    judge: ({ nodes, at }) =>
      nodes.flatMap(({ id, certificateEndsAt }) => {
        if (certificateEndsAt === null || certificateEndsAt - at > CERTIFICATE_DAYS * DAY_MS) return [];
        const days = Math.floor((certificateEndsAt - at) / DAY_MS);
        return [
          {
            severity: days < 3 ? "critical" : "warning",
            node: id,
            seen: certificateEndsAt <= at ? "its certificate has expired" : `its certificate expires in ${days} days`,
            why: "from then on clients and replicas refuse to connect",
            advice: "renew it; CONFIG SET tls-cert-file loads a new one without a restart",
          },
        ];
      }),
  },
  {
    id: "missing-rights",
    judge: ({ nodes }) =>
      nodes.flatMap(({ id, denied }) =>
        denied.flatMap((command) => {
          const need = NEEDED[command];
          if (need === undefined) return [];
          return [
            {
              severity: need.severity,
              node: id,
              seen: `this user may not run ${command.replace("|", " ").toUpperCase()}`,
              why: need.why,
              advice: `ACL SETUSER … +${command}`,
            },
          ];
        }),
      ),
  },
  {
    id: "settings-hidden",
    judge: (facts) =>
      answering(facts).flatMap(({ id, settings }) =>
        settings === null
          ? [
              {
                severity: "info",
                node: id,
                seen: "CONFIG GET is refused",
                why: "what depends on its settings is not checked",
                advice: "ask again as a user with +config|get; managed services may not have that",
              },
            ]
          : [],
      ),
  },
];
