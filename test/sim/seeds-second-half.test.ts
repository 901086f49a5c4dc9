import { it } from "vitest";
import { seeds, settings } from "./support/suite.js";

const { only, count } = settings;
if (only === null) seeds(Math.floor(count / 2), count);
else it("is not asked for while one seed is replayed", () => {});
