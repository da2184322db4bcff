// 4-bit floats of the OCP microscaling formats: sign 1, exponent 2, mantissa 1. Shared by MXFP4 and NVFP4.

/** The sixteen values, doubled so that they are integers; the scales are halved in turn. */
export const FP4_DOUBLED = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
