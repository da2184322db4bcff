// What the compiler does not see: unawaited promises, `any`, casts, dead code in components.
import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";

export default ts.config(
  {
    ignores: ["dist", "node_modules", "workers/engine/cpu/build", "workers/engine/cpu/assembly", "public", ".cache", "coverage"],
  },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: {
      globals: { ...globals.browser, ...globals.worker, ...globals.node },
      parserOptions: {
        project: ["web/tsconfig.json", "workers/tsconfig.json", "tests/tsconfig.json"],
        extraFileExtensions: [".svelte"],
      },
    },
    rules: {
      "no-undef": "off",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "no-constant-condition": ["error", { checkLoops: false }],
    },
  },
  { files: ["**/*.svelte", "**/*.svelte.ts"], languageOptions: { parserOptions: { parser: ts.parser } } },
  { files: ["**/*.js", "**/*.mjs"], ...ts.configs.disableTypeChecked },
);
