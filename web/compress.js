// Lays beside each text of the build what it is compressed to; the server chooses by what a browser accepts.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const built = join(import.meta.dirname, "../src/timbre/web");
const LEAST = 1400; // bytes: less comes in one packet anyway

for (const name of readdirSync(built, { recursive: true })) {
  if (!/\.(css|js|md|svg)$/.test(name)) continue;
  const content = readFileSync(join(built, name));
  if (content.length < LEAST) continue;
  writeFileSync(join(built, `${name}.br`), brotliCompressSync(content));
  writeFileSync(join(built, `${name}.gz`), gzipSync(content, { level: 9 }));
}
