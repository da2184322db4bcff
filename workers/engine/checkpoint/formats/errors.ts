// What is wrong with a checkpoint's file, said the same way by every reader.
import { EngineError } from "../../base/errors.ts";

/** The file contradicts itself; `what` goes on after "NAME is damaged: ". */
export function damaged(file: string, what: string): EngineError {
  return new EngineError("bad_file", `${file} is damaged: ${what}.`, "Download it again, or choose another copy of the model.");
}

/** The file ends in the middle of something. */
export function cutShort(file: string, sizeBytes: number): EngineError {
  return new EngineError(
    "truncated_file",
    `${file} ends too early, after ${sizeBytes.toLocaleString("en")} bytes.`,
    "The download was probably cut short: download it again.",
  );
}

/** The file is sound, but holds what no checkpoint needs and we therefore do not read. */
export function refused(file: string, what: string): EngineError {
  return new EngineError("bad_file", `${file} was not opened: ${what}.`, "Choose the weights of a LLaMA-family model.");
}
