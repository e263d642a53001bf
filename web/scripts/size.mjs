// What a first visit transfers: `npm run size`. Fails above the budget.
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const BUDGET = 200_000; // bytes of JavaScript, gzipped
const dist = new URL("../dist", import.meta.url).pathname;
const html = readFileSync(join(dist, "index.html"), "utf8");
const gzipped = (name) => statSync(join(dist, "assets", `${name}.gz`)).size;
let first = 0;
let all = 0;
for (const name of readdirSync(join(dist, "assets")).filter((name) => /\.(js|css)$/.test(name)).sort()) {
  const atOnce = html.includes(name);
  if (name.endsWith(".js")) {
    all += gzipped(name);
    if (atOnce) first += gzipped(name);
  }
  console.log(`${String(gzipped(name)).padStart(8)} B  ${atOnce ? "at once" : "later  "}  ${name}`);
}
console.log(`JavaScript at the first visit: ${(first / 1000).toFixed(1)} kB gzipped; all of it: ${(all / 1000).toFixed(1)} kB`);
process.exit(all > BUDGET ? 1 : 0);
