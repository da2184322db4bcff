// Where advice is asked for: reads the headers it needs, measures when nothing else runs, and hears how it turned out.
import { Adviser, drawModel, type Known } from "./advise/advise.ts";
import type { Advice, AdviceSubject, ModelSketch } from "./base/advice.ts";
import type { Host } from "./base/host.ts";
import type { Model } from "./base/model.ts";
import type { ByteSource } from "./base/source.ts";
import type { ModelSource } from "./base/wire.ts";
import type { Engine } from "./engine.ts";
import { EngineError } from "./base/errors.ts";
import { isGguf, readLoadable } from "./loadable.ts";
import type { ModelFile } from "./model-file.ts";

export interface AdviceOptions {
  readonly signal: AbortSignal;
  /** Measures anew what was measured before. */
  readonly again: boolean;
  /** Finds a model that has to be looked into. */
  readonly find: (
    source: ModelSource,
  ) => Promise<{ readonly id: string; readonly name: string | null; readonly source: ByteSource }>;
  /** Runs something while nothing else does. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
}

/** The desk of one worker. */
export class AdviceDesk {
  private readonly adviser: Adviser;

  constructor(host: Host) {
    this.adviser = new Adviser(host);
  }

  /** Advice on each of the subjects, in their order. Throws what looking into them and measuring throws. */
  async advise(subjects: readonly AdviceSubject[], { signal, again, find, alone }: AdviceOptions): Promise<readonly Advice[]> {
    const models: { model: Model; known: Known }[] = [];
    for (const subject of subjects) {
      if (isSketch(subject)) models.push({ model: drawModel(subject), known: subject });
      else {
        const found = await find(subject);
        const file = await readLoadable(found.source, signal);
        if (!isGguf(file)) {
          const message = `${file.name} is an ONNX graph: how fast onnxruntime runs it is not foretold.`;
          throw new EngineError("bad_request", message, "Load it and see.");
        }
        models.push({ model: file.model, known: knownOf(found, file) });
      }
    }
    const all = models.map(({ model }) => model);
    if (again || (await this.adviser.mustMeasure(all))) {
      signal.throwIfAborted();
      await alone(() => this.adviser.measure(all, again));
    }
    return Promise.all(models.map(({ model, known }) => this.adviser.advise(model, known)));
  }

  /** Foretells a model that was just loaded, if that takes no measuring: so that there is something to compare its answers with. */
  async foretell(found: { readonly id: string; readonly name: string | null }, file: ModelFile): Promise<void> {
    if (!(await this.adviser.mustMeasure([file.model]))) await this.adviser.advise(file.model, knownOf(found, file));
  }

  /** Hears that a model has just answered. */
  async heard(id: string, engine: Engine): Promise<void> {
    await this.adviser.record(id, engine.info, engine.stats);
  }
}

function isSketch(subject: AdviceSubject): subject is ModelSketch {
  return typeof subject === "object" && "parameters" in subject;
}

function knownOf({ id, name }: { readonly id: string; readonly name: string | null }, file: ModelFile): Known {
  const { source, parameters, model } = file;
  const named = /[._-]((?:IQ|Q|TQ)\d\w*|F16|BF16|F32)\b/i.exec(source.name)?.[1]?.toUpperCase();
  return {
    id,
    name: name ?? file.name,
    quantization: named ?? file.quantization,
    parameters,
    sizeBytes: source.sizeBytes,
    contextLength: model.shape.contextLength,
  };
}
