// Builds the web app into the Python package, where the server finds it.
import { defineConfig } from "vite";

const server = "http://127.0.0.1:8000"; // for `npm run dev`: where `timbre serve` runs

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/timbre/web",
    emptyOutDir: true,
    assetsInlineLimit: 0, // data: URLs of scripts and styles are not allowed by our content-security policy
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
  server: {
    fs: { allow: [".."] }, // the sample recording lies beside this folder
    proxy: { "/v1": server, "/v2": server, "/media": server },
  },
});
