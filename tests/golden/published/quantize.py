# Writes quantized.json: SHA-256 of what llama.cpp's own ggml_quantize_chunk makes of a fixed matrix, for each type.
# Run as: python quantize.py FOLDER, the folder with libggml-base.so of a llama.cpp build (here node-llama-cpp 3.21.1's).
import ctypes
import hashlib
import json
import os
import sys

import numpy as np

ROWS, COLS = 64, 512
TYPES = {"Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "F16": 1, "BF16": 30}


def matrix():
    """Sums of four 24-bit numbers of a linear congruence: bell-shaped, and the same floats in any language."""
    state = 1
    values = []
    for _ in range(ROWS * COLS):
        total = 0
        for _ in range(4):
            state = (state * 1664525 + 1013904223) % 2**32
            total += state >> 8
        values.append((total - 2**25) / 2**30)
    return np.array(values, dtype=np.float32)


ggml = ctypes.CDLL(os.path.join(sys.argv[1], "libggml-base.so"))
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
weights = matrix()
sums = {}
for name, number in TYPES.items():
    out = np.zeros(weights.nbytes, dtype=np.uint8)
    size = ggml.ggml_quantize_chunk(number, weights.ctypes.data, out.ctypes.data, 0, ROWS, COLS, None)
    sums[name] = hashlib.sha256(out[:size].tobytes()).hexdigest()
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "quantized.json"), "w") as file:
    json.dump(sums, file, indent=2)
    file.write("\n")
