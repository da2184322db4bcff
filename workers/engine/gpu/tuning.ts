// Sizes of kernels for shapes of matrices: measured on the device, or a good guess before that.
import type { Matrix } from "./fuse.ts";

/** How a matrix-vector kernel divides its work. */
export interface LaneShape {
  readonly threads: number;
  /** Threads that share four rows. */
  readonly lanes: number;
}

export interface Tuning {
  matvec(matrix: Matrix): LaneShape;
  matfew(matrix: Matrix): LaneShape;
  /** True where many tokens are faster in tiles of shared memory than eight at a time. */
  tiled(matrix: Matrix): boolean;
}

/** What fits most GPUs: eight threads a row and more for wider ones. */
export const GUESS: Tuning = {
  matvec: (matrix) => ({ threads: 64, lanes: matrix.cols < 1024 ? 1 : 1 }),
  matfew: (matrix) => ({ threads: 64, lanes: matrix.cols < 1024 ? 1 : 1 }),
  tiled: () => true,
};
