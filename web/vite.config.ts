/// <reference types="vitest/config" />
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the page on a port of its own and asks a Parley server for everything else.
const server = process.env.PARLEY_URL ?? "http://127.0.0.1:3000";
const answered = ["/assistants", "/chat", "/chatbot", "/sessions", "/system", "/api", "/health", "/ready", "/users"];

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the Content-Security-Policy has no place for what is inlined
    manifest: true, // for `npm run size`
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: Object.fromEntries(answered.map((path) => [`^${path}(/|\\?|$)`, { target: server }])),
  },
  test: { include: ["tests/**/*.test.{ts,tsx}"] },
});
