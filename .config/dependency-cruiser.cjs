const { join } = require("node:path");

const forbid = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** Import directions: core <- protocol <- { client, server } <- doors (src/index.ts, src/server/index.ts, src/cli). */
module.exports = {
  forbidden: [
    forbid(
      "core-knows-nothing",
      "core/ knows nothing of Redis and imports nothing of the package",
      { path: "^src/core/" },
      { path: "^src/", pathNot: "^src/core/" },
    ),
    forbid(
      "protocol-on-core",
      "protocol/ is what both halves know of Redis; it stands on core/ alone",
      { path: "^src/protocol/" },
      { path: "^src/", pathNot: "^src/(core|protocol)/" },
    ),
    forbid(
      "server-not-client",
      "the dev server stands alone",
      { path: "^src/server/" },
      { path: "^src/", pathNot: "^src/(core|protocol|server)/" },
    ),
    forbid(
      "client-not-cli",
      "the client stands on core/ and protocol/",
      { path: "^src/client/" },
      { path: "^src/(cli/|index\\.ts$)" },
    ),
    forbid(
      "client-to-server-by-dynamic-import",
      "an application in production never loads the dev server",
      { path: "^src/(client/|index\\.ts$)" },
      { path: "^src/server/", dependencyTypesNot: ["dynamic-import", "type-only", "type-import"] },
    ),
    forbid(
      "ioredis-at-the-edge",
      "only the connection floor, the façade and the executables load ioredis or generic-pool",
      { path: "^src/", pathNot: "^src/(client/connection/|client/replicated-client\\.ts$|cli/)" },
      { path: "(^|/)node_modules/(ioredis|generic-pool)/", dependencyTypesNot: ["type-only"] },
    ),
    forbid(
      "server-without-ioredis",
      "not even a type of ioredis in the dev server or in what both halves share",
      { path: "^src/(core|protocol|server)/" },
      { path: "(^|/)node_modules/(ioredis|@ioredis|generic-pool)/" },
    ),
    forbid(
      "src-not-tests",
      "the package imports no test and no example",
      { path: "^src/" },
      { path: "^(test|examples)/" },
    ),
    forbid(
      "no-circles",
      "files that import each other cannot be read apart (types may)",
      { path: "^src/" },
      { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    ),
    forbid("resolvable", "every import leads somewhere", { path: "^src/" }, { couldNotResolve: true }),
    forbid(
      "declared",
      "what is imported at run time is a dependency or a peer of the package",
      { path: "^src/" },
      { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer", "type-only"] },
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: join(__dirname, "../tsconfig.json") },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  },
};
