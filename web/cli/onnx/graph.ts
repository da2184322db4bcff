// Builds an ONNX graph: nodes by name, constants, weights inside of the file or beside it.
// Source: onnx/onnx.proto3, whose field numbers these are.
import { float, integer, joined, message, text, type Message } from "./protobuf.ts";

/** Element types, by TensorProto's numbers. */
export const TYPES = { float: 1, int64: 7, float16: 10 } as const;

export type Type = keyof typeof TYPES;
type Extent = number | string;
type Attribute = number | readonly number[] | { readonly float: number };

/** Weights beside the graph start at multiples of this: runtimes may map the file into memory. */
const ALIGNMENT = 4096;
/** Smaller tensors stay inside: runtimes look into them when they open the graph. */
const SMALL_BYTES = 1024;

export class Graph {
  private readonly nodes: Message[] = [];
  private readonly tensors: Message[] = [];
  private readonly values: Message[] = [];
  private readonly outside: Uint8Array[] = [];
  private outsideBytes = 0;
  private count = 0;

  /** `dataFile` is the name of a file for the weights; null keeps them inside. */
  constructor(private readonly dataFile: string | null) {}

  /** A node with one output; gives that output's name. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = `${op}_${this.count++}`,
  ): string {
    this.nodes.push([
      ...inputs.flatMap((input) => text(1, input)),
      ...text(2, output),
      ...text(3, output),
      ...text(4, op),
      ...Object.entries(attributes).flatMap(([name, value]) => message(5, attribute(name, value))),
    ]);
    return output;
  }

  /** A small constant: whole numbers, a scalar where `extents` is empty. */
  integers(values: readonly number[], extents: readonly number[] = [values.length]): string {
    return this.tensor("int64", extents, new Uint8Array(BigInt64Array.from(values, BigInt).buffer));
  }

  floats(values: readonly number[], extents: readonly number[] = [values.length]): string {
    return this.tensor("float", extents, new Uint8Array(Float32Array.from(values).buffer));
  }

  /** A tensor of these bytes; gives its name. */
  tensor(type: Type, extents: readonly number[], bytes: Uint8Array, name = `constant_${this.count++}`): string {
    const head = [...extents.map((extent) => integer(1, extent)), integer(2, TYPES[type]), ...text(8, name)];
    this.tensors.push([
      ...head,
      ...(this.dataFile === null || bytes.length < SMALL_BYTES ? message(9, [bytes]) : this.putOutside(this.dataFile, bytes)),
    ]);
    return name;
  }

  input(name: string, type: Type, extents: readonly Extent[]): string {
    this.values.push(message(11, valueInfo(name, type, extents)));
    return name;
  }

  output(name: string, type: Type, extents: readonly Extent[]): void {
    this.values.push(message(12, valueInfo(name, type, extents)));
  }

  /** The files: the model, and its weights where they are beside it. */
  finish(
    name: string,
    opset: number,
  ): { readonly model: Uint8Array<ArrayBuffer>; readonly data: Uint8Array<ArrayBuffer> | null } {
    const graph = [
      ...this.nodes.flatMap((node) => message(1, node)),
      ...text(2, name),
      ...this.tensors.flatMap((tensor) => message(5, tensor)),
      ...this.values.flat(),
    ];
    const irVersion = integer(1, 8); // ONNX 1.12: any runtime of the last years
    const model = joined([
      irVersion,
      ...text(2, "cria"),
      ...message(7, graph),
      ...message(8, [...text(1, ""), integer(2, opset)]),
    ]);
    return { model, data: this.dataFile === null ? null : joined(this.outside) };
  }

  /** external_data and data_location of a tensor whose bytes go to the other file. */
  private putOutside(file: string, bytes: Uint8Array): Message {
    const padding = (ALIGNMENT - (this.outsideBytes % ALIGNMENT)) % ALIGNMENT;
    const offset = this.outsideBytes + padding;
    this.outside.push(new Uint8Array(padding), bytes);
    this.outsideBytes = offset + bytes.length;
    const entries = { location: file, offset: String(offset), length: String(bytes.length) };
    return [
      ...Object.entries(entries).flatMap(([key, value]) => message(13, [...text(1, key), ...text(2, value)])),
      integer(14, 1),
    ];
  }
}

function attribute(name: string, value: Attribute): Message {
  const head = text(1, name);
  if (typeof value === "number") return [...head, integer(3, value), integer(20, 2)]; // INT
  if ("float" in value) return [...head, float(2, value.float), integer(20, 1)]; // FLOAT
  return [...head, ...value.map((each) => integer(8, each)), integer(20, 7)]; // INTS
}

function valueInfo(name: string, type: Type, extents: readonly Extent[]): Message {
  const dims = extents.flatMap((extent) => message(1, typeof extent === "number" ? [integer(1, extent)] : text(2, extent)));
  return [...text(1, name), ...message(2, message(1, [integer(1, TYPES[type]), ...message(2, dims)]))];
}
