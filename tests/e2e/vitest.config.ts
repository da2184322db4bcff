// Tests in real browsers, one file after the other: two browsers at once would measure and disturb each other.
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: join(import.meta.dirname, "../.."),
    include: ["tests/e2e/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    fileParallelism: false,
    sequence: { concurrent: false },
    // A browser on a busy machine may stumble once; the report says "retry x1" then, and that wants to be looked at.
    retry: 1,
  },
});
