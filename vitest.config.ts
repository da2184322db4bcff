// Tests that run in Node: everything under tests/ but the browser tests (tests/e2e) and the benchmarks (tests/bench).
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const OTHERS = ["tests/e2e/**", "tests/bench/**"];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    projects: [
      { extends: true, test: { name: "node", include: ["tests/**/*.test.ts"], exclude: [...OTHERS, "tests/web/**"] } },
      {
        // State classes and what needs a DOM: compiled as for the browser.
        extends: true,
        plugins: [svelte({ configFile: false })],
        resolve: { conditions: ["browser"] },
        test: { name: "web", include: ["tests/web/**/*.test.ts"], exclude: OTHERS, environment: "jsdom" },
      },
    ],
  },
});
