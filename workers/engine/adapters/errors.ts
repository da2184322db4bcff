// What is wrong with an adapter, said the same way by every reader.
import { EngineError } from "../base/errors.ts";

/** The adapter is sound, but of a kind that would be applied wrongly; `what` goes on after "NAME was not opened: ". */
export function refused(file: string, what: string): EngineError {
  return new EngineError("bad_file", `${file} was not opened: ${what}.`, "Choose another adapter.");
}

/** The adapter is for another model; `what` goes on after "The adapter does not fit the model: ". */
export function unfit(what: string): EngineError {
  return new EngineError(
    "bad_file",
    `The adapter does not fit the model: ${what}.`,
    "Load the model that the adapter was trained on.",
  );
}

/** A file is missing among those that were given. */
export function missing(what: string, hint: string): EngineError {
  return new EngineError("bad_request", what, hint);
}

/** The tensors that no reader knows, as one error. */
export function unknownTensors(file: string, names: readonly string[]): EngineError {
  const shown = names.slice(0, 3).join(", ");
  return refused(file, `it has ${names.length} tensors whose meaning is not known here: ${shown}${names.length > 3 ? " …" : ""}`);
}
