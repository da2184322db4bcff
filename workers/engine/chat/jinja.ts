// Runs the chat template of a model file. A template is a program of somebody else's: it gets so many steps and so much room.
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { EngineError } from "../base/errors.ts";
import { formatDate } from "./dates.ts";

/** About a second's work. A long conversation in the longest template known takes some 100,000. */
const MOST_STEPS = 2_000_000;
/** Going once through a loop costs as much as so many steps. */
const STEPS_PER_ROUND = 20;
/** Macros that call themselves end here, before the stack does. Each "elif" is one deeper than the last. */
const DEEPEST = 1000;
/** Room for texts and lists beyond what the conversation itself takes. */
const SPARE_CHARACTERS = 1_000_000;
const SPARE_ITEMS = 100_000;

type Value = ReturnType<Interpreter["evaluate"]>;
type Node = Parameters<Interpreter["evaluate"]>[0];

/**
 * The text a template makes of these variables. Throws `bad_template` where it cannot be parsed or run, calls raise_exception,
 * or doesn't come to an end. `now` is the time its strftime_now tells.
 */
export function runTemplate(source: string, variables: Readonly<Record<string, unknown>>, now: Date): string {
  try {
    const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
    const size = JSON.stringify(variables).length;
    const environment = new Environment();
    for (const [name, value] of Object.entries({ ...globals(now), ...variables })) environment.set(name, value);
    return String(new LimitedInterpreter(environment, size).run(program).value);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const reason = error instanceof RangeError ? "it nests without end" : error instanceof Error ? error.message : String(error);
    throw badTemplate(reason);
  }
}

/** Counts what a template does, and stops it when it is too much. */
class LimitedInterpreter extends Interpreter {
  private steps = 0;
  private depth = 0;
  /** What loops go through. */
  private readonly iterables = new Set<unknown>();
  private readonly sizes = new WeakMap<object, number>();
  private readonly mostCharacters: number;
  private readonly mostItems: number;

  constructor(environment: Environment, inputCharacters: number) {
    super(environment);
    this.mostCharacters = SPARE_CHARACTERS + 4 * inputCharacters;
    this.mostItems = SPARE_ITEMS + 4 * inputCharacters;
  }

  override evaluate(node: Node, environment: Environment): Value {
    if (node && "iterable" in node) this.iterables.add(node.iterable);
    if (node && "lhs" in node) this.iterables.add(node.lhs); // of "for m in messages if …"
    if (++this.depth > DEEPEST) throw badTemplate("it nests without end");
    const value = super.evaluate(node, environment);
    this.depth--;
    this.steps += 1 + this.cost(node, value);
    if (this.steps > MOST_STEPS) throw badTemplate(`it takes more than ${MOST_STEPS.toLocaleString("en")} steps`);
    return value;
  }

  /** Steps that whoever handles this value may take. Throws where it has grown too large. */
  private cost(node: Node, value: Value): number {
    if (typeof value.value === "string") {
      const { length } = value.value;
      if (length > this.mostCharacters) throw badTemplate(`it makes a text of more than ${this.mostCharacters} characters`);
      return length / 32;
    }
    const collection = collectionOf(value);
    if (!collection) return 0;
    if (this.size(collection) > this.mostItems) throw badTemplate(`it makes a list of more than ${this.mostItems} items`);
    const length = "length" in collection ? collection.length : collection.size;
    return this.iterables.has(node) ? length * STEPS_PER_ROUND : length / 32;
  }

  /** Items of a list and of the lists in it. Lists don't change, so each is counted once: [x, x] of [x, x] is no way around. */
  private size(collection: Collection): number {
    let size = this.sizes.get(collection);
    if (size !== undefined) return size;
    size = 1;
    for (const item of collection.values()) {
      const inner = collectionOf(item);
      size += inner ? this.size(inner) : 1;
    }
    this.sizes.set(collection, size);
    return size;
  }
}

type Collection = readonly Value[] | ReadonlyMap<string, Value>;

/** The items of a list or object; null for anything else. Namespaces, which do change, can be neither gone through nor written out. */
function collectionOf({ type, value }: Value): Collection | null {
  if (type === "NamespaceValue") return null;
  return Array.isArray(value) || value instanceof Map ? value : null;
}

/** What transformers offers to templates, beside what the language has. */
function globals(now: Date): Record<string, unknown> {
  return {
    true: true,
    True: true,
    false: false,
    False: false,
    none: null,
    None: null,
    range: numbers,
    raise_exception: (message: unknown) => {
      throw badTemplate(String(message));
    },
    strftime_now: (format: unknown) => formatDate(now, String(format)),
  };
}

/** Python's range. */
function numbers(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= SPARE_ITEMS)) throw badTemplate(`it counts from ${from} to ${to} in steps of ${step}`);
  return Array.from({ length }, (_, index) => from + index * step);
}

function badTemplate(reason: string): EngineError {
  return new EngineError(
    "bad_template",
    `The model's chat template cannot be used: ${reason}.`,
    "A common prompt format is used instead.",
  );
}
