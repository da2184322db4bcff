// onnxruntime-web as the engine sees it: the host fetches it, when the first ONNX model is opened and not before.
import type * as onnxruntime from "onnxruntime-web";

/** The runtime, set up for its files and threads. */
export type OnnxRuntime = typeof onnxruntime;
export type OnnxSession = onnxruntime.InferenceSession;
export type OnnxTensor = onnxruntime.Tensor;
/** Elements of a tensor. */
export type OnnxData = Awaited<ReturnType<OnnxTensor["getData"]>>;

/** What runs a graph. */
export type OnnxProvider = "webgpu" | "wasm";
