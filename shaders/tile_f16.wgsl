// Shared memory of matmul.wgsl in half precision: half the space and traffic. Sums stay in f32.
enable f16;
alias Tile = vec4h;
