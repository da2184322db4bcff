// Shared memory of matmul.wgsl in single precision.
alias Tile = vec4f;
