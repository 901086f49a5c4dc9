import { simulate } from "./run.js";

// In a process of its own: prints what a seed comes to, so that two processes can be compared.
for (const seed of process.argv.slice(2)) {
  const { trace, digest } = await simulate(Number(seed));
  process.stdout.write(`${seed} ${trace} ${digest}\n`);
}
