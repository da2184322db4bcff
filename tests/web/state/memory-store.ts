// localStorage as long as the test.
import type { PreferenceStore } from "../../../web/state/settings.svelte.ts";

export function memoryStore(): PreferenceStore {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}
