// cria.js, the library other pages import: the same surface the chat page uses, and nothing else.
export { convertCheckpoint, inspectCheckpoint } from "../../workers/client/convert.ts";
export { advise, load } from "../../workers/client/client.ts";
export { languageModel } from "./prompt-api.ts";
export { TYPICAL } from "../../workers/engine/base/advice.ts";
export { EngineError, ERROR_CODES } from "../../workers/engine/base/errors.ts";
export type { ErrorCode } from "../../workers/engine/base/errors.ts";
export type { Advice, AdviceSubject, ModelSketch, Outcome, Prediction } from "../../workers/engine/base/advice.ts";
export type * from "../../workers/engine/base/conversion.ts";
export type * from "../../workers/engine/base/adapters.ts";
export type {
  AdapterFiles,
  AdapterOptions,
  Adapters,
  Cria,
  LoadOptions,
  RequestOptions,
} from "../../workers/engine/base/cria.ts";
export type { LoadProgress, ModelInfo, Stats } from "../../workers/engine/base/wire.ts";
export type * from "../../workers/engine/base/openai.ts";
export type * from "./prompt-types.ts";
