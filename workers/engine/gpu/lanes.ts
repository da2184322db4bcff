// How kernels divide their work, by the width of a matrix.
import type { Matrix } from "./fuse.ts";

/** How a kernel divides its work. */
export interface LaneShape {
  readonly threads: number;
  /** Threads that share four rows. */
  readonly lanes: number;
}

/** What was found; plain data, remembered between visits. */
export interface Tuning {
  /** By the columns of a matrix. */
  readonly lanes: Readonly<Record<string, LaneShape>>;
  /** How many tokens run: eight at a time, or in tiles of shared memory, of floats or (T3) of integers. */
  readonly many: "few" | "tiles" | "tiles_int8";
  /** Milliseconds the measured products took together: what tiers are compared by. */
  readonly milliseconds: number;
}

/** The shape for a matrix: that of the measured width nearest to its own. */
export function laneShape({ lanes }: Tuning, matrix: Matrix): LaneShape {
  const far = (cols: string): number => Math.abs(Math.log(Number(cols) / matrix.cols));
  const nearest = Object.keys(lanes).sort((a, b) => far(a) - far(b))[0];
  return (nearest !== undefined && lanes[nearest]) || { threads: 64, lanes: 1 };
}
