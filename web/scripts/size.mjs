// What each view transfers at a first visit: `npm run size` after a build. Fails above the budget.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const BUDGET = 200_000; // bytes of JavaScript, gzipped
const dist = new URL("../dist", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(dist, ".vite", "manifest.json"), "utf8"));

/** The chunk and all that it can't do without. */
function needed(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  for (const other of manifest[name].imports ?? []) needed(other, found);
  return found;
}

let over = false;
for (const view of Object.keys(manifest).filter((name) => manifest[name].isDynamicEntry || manifest[name].isEntry)) {
  const chunks = new Set([...needed("index.html"), ...needed(view)]);
  const size = [...chunks].reduce((sum, name) => sum + statSync(join(dist, `${manifest[name].file}.gz`)).size, 0);
  over ||= size > BUDGET;
  console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${view}`);
}
process.exit(over ? 1 : 0);
