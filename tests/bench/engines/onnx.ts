// Writes ONNX graphs of MatMulNBits nodes: just enough of protobuf, and of onnx.proto, for that.
// Source: onnx/onnx.proto3; onnxruntime docs/ContribOperators.md, com.microsoft.MatMulNBits.

const BLOCK = 32;
const FLOAT = 1; // TensorProto.DataType
const UINT8 = 2;

/** out = in · Wᵀ, W [rows, cols] in 4 or 8 bits with a scale for each block of 32. */
export interface Product {
  /** Of the output. */
  readonly name: string;
  /** Products with the same input share it. */
  readonly input: string;
  readonly rows: number;
  readonly cols: number;
}

/** A model file with random weights. Inputs and outputs are [tokens, cols] and [tokens, rows] of 32-bit floats. */
export function productsGraph(products: readonly Product[], bits: number): Uint8Array {
  const inputs = new Map(products.map(({ input, cols }) => [input, cols]));
  const graph = [
    ...products.map((product) => bytes(1, node(product, bits))),
    text(2, "products"),
    ...products.flatMap((product) => initializers(product, bits).map((tensor) => bytes(5, tensor))),
    ...[...inputs].map(([name, cols]) => bytes(11, matrix(name, cols))),
    ...products.map(({ name, rows }) => bytes(12, matrix(name, rows))),
  ];
  const opset = (domain: string, version: number): Uint8Array => bytes(8, [text(1, domain), integer(2, version)]);
  return join([integer(1, 8), bytes(7, graph), opset("", 17), opset("com.microsoft", 1)]); // IR version 8: ONNX 1.12
}

function node({ name, input, rows, cols }: Product, bits: number): Uint8Array[] {
  const attributes = { K: cols, N: rows, bits, block_size: BLOCK, accuracy_level: 4 }; // 4: 8-bit activations, the fastest
  return [
    ...[input, `${name}.weight`, `${name}.scales`].map((operand) => text(1, operand)),
    text(2, name),
    text(4, "MatMulNBits"),
    ...Object.entries(attributes).map(([key, value]) => bytes(5, [text(1, key), integer(3, value), integer(20, 2)])), // 2: INT
    text(7, "com.microsoft"),
  ];
}

function initializers({ name, rows, cols }: Product, bits: number): Uint8Array[][] {
  const weight = new Uint8Array((rows * cols * bits) / 8);
  for (let i = 0; i < weight.length; i++) weight[i] = Math.imul(i, 0x9e3779b1) >>> 24;
  const scales = new Float32Array((rows * cols) / BLOCK).fill(0.01);
  return [
    tensor(`${name}.weight`, UINT8, [rows, cols / BLOCK, (BLOCK * bits) / 8], weight),
    tensor(`${name}.scales`, FLOAT, [(rows * cols) / BLOCK], new Uint8Array(scales.buffer)),
  ];
}

function tensor(name: string, type: number, extents: readonly number[], data: Uint8Array): Uint8Array[] {
  return [...extents.map((extent) => integer(1, extent)), integer(2, type), text(8, name), bytes(9, [data])];
}

/** A float tensor of any number of rows. */
function matrix(name: string, cols: number): Uint8Array[] {
  const shape = [bytes(1, [text(2, "tokens")]), bytes(1, [integer(1, cols)])];
  return [text(1, name), bytes(2, [bytes(1, [integer(1, FLOAT), bytes(2, shape)])])];
}

/** Field of wire type 0. */
function integer(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, [new TextEncoder().encode(value)]);
}

/** Field of wire type 2: a length, then the pieces. */
function bytes(field: number, pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return join([Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]), ...pieces]);
}

function varint(value: number): number[] {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...varint((value - low) / 128)];
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
