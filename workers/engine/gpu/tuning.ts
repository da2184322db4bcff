// Sizes of kernels for shapes of matrices: measured on the device, or a good guess before that.
import type { Matrix } from "./fuse.ts";

/** How a matrix-vector kernel divides its work. */
export interface MatvecShape {
  readonly threads: number;
  /** Threads that share four rows. */
  readonly lanes: number;
}

export interface Tuning {
  matvec(matrix: Matrix): MatvecShape;
}

/** What fits most GPUs: eight threads a row and more for wider ones. */
export const GUESS: Tuning = {
  matvec: (matrix) => ({ threads: 64, lanes: matrix.cols < 1024 ? 1 : 1 }),
};
