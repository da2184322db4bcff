// The words the kernels and their callers share: layouts of packed weights, op codes, and where things lie in a bank.
// Read by the AssemblyScript compiler and by TypeScript alike, so it holds integer constants and nothing else.

// Instruction levels, `LEVEL` of a build.
export const PLAIN = 0; // SIMD128, 16-bit products
export const RELAXED32 = 1; // relaxed SIMD, 8-bit dot product added in 32 bits
export const RELAXED16 = 2; // relaxed SIMD, 8-bit dot product added in 16 bits where it fits

// Layouts of packed weights. Eight rows are interleaved: see tile.ts.
export const L_Q4_0 = 0; // 4 bits, f16 scale per 32, zero at 8
export const L_Q4_1 = 1; // 4 bits, f16 scale and minimum per 32
export const L_Q5_0 = 2; // 5 bits, f16 scale per 32, zero at 16
export const L_Q5_1 = 3; // 5 bits, f16 scale and minimum per 32
export const L_Q8_0 = 4; // 8 bits, f16 scale per 32
export const L_Q4_K = 5; // 4 bits, 6-bit scale and minimum per 32 times f16 pair per 256
export const L_Q5_K = 6; // 5 bits, the same
export const L_Q6_K = 7; // 6 bits, 8-bit scale per 16 times f16 per 256, zero at 32
export const L_Q3_K = 8; // 3 bits in 4, 6-bit scale per 16 times f16 per 256, zero at 4
export const L_Q2_K = 9; // 2 bits in 4, 4-bit scale and minimum per 16 times f16 pair per 256
export const L_WIDE = 10; // 8 bits, f16 scale per 16: what every other type becomes
export const L_F32 = 16;
export const L_F16 = 17;
export const L_BF16 = 18;

// How a dot product reads 8-bit codes, found out at start.
export const BYTES_SPLIT = 0; // as two nibbles: right everywhere
export const BYTES_UNSIGNED = 1; // second operand 0 to 255, code + 128
export const BYTES_SIGNED = 2; // second operand -128 to 127

// Ops of a program. One op is OP_BYTES, its parts follow it in PART_BYTES each.
export const OP_BYTES = 64;
export const OP_CODE = 0;
export const OP_NEXT = 4; // byte length of op and parts
export const OP_COUNTER = 8; // the next task, taken atomically
export const OP_FLAGS = 12;
export const OP_IN = 16; // f32 [token][width], or the activations of a MATMUL
export const OP_IN_FLOATS = 20; // MATMUL: the same as floats
export const OP_WIDTH = 24; // columns
export const OP_WEIGHT = 28; // f32 norm weights, 0 for none; embedding data
export const OP_EPSILON = 32; // f32
export const OP_LAYOUT = 36; // EMBED: layout of the embedding
export const OP_UNITS = 40; // MATMUL: units of UNIT rows over all parts
export const OP_GROUP_BYTES = 40; // EMBED: bytes of eight packed rows
export const OP_OUT = 44; // NORM: int8 activations; ATTEND: f32 [token][heads · headDim]
export const OP_OUT_FLOATS = 48; // NORM: the same as floats
export const OP_KEYS = 20; // ATTEND: key cache of the layer
export const OP_VALUES = 28; // ATTEND: value cache of the layer
export const OP_SCALE = 52; // ATTEND: f32 factor on q·k
export const OP_BYTES_MODE = 56; // BYTES_*
export const OP_WINDOW = 24; // ATTEND: positions a token sees, its own included; 0 for all
export const OP_LENGTH = 24; // PROMPT: positions; keys, values and scale as ATTEND has them
export const OP_GATES = 32; // PROMPT: f32 [heads]
export const OP_TABLE = 36; // ROUTE, GATHER, EXPERTS, COMBINE: which expert works on what
export const OP_COUNT = 52; // experts there are
export const OP_USED = 60; // experts a token takes
export const OP_FACTOR = 36; // PROMPT: f32 factor on the gates

export const CODE_EMBED = 1;
export const CODE_NORM = 2;
export const CODE_MATMUL = 3;
export const CODE_ATTEND = 4;
export const CODE_PROMPT = 5;
export const CODE_ROUTE = 6;
export const CODE_GATHER = 7;
export const CODE_EXPERTS = 8;
export const CODE_COMBINE = 9;
export const CODE_PACK = 16; // takes part in packing what is in the queue, until it is closed: the op at C_QUEUE

export const FLAG_QUANTS = 1; // NORM writes / MATMUL part reads int8 activations
export const FLAG_FLOATS = 2; // the same as floats
export const FLAG_HEAD = 4; // runs over the tokens whose logits are asked for
export const FLAG_OWN = 8; // for one token every thread works on a copy of its own

export const UNIT = 32; // rows of a unit of work: an activation block of the next product
export const PART_BYTES = 48;
export const PART_DATA = 0;
export const PART_LAYOUT = 4;
export const PART_ROWS = 8;
export const PART_UNITS = 12; // units of this part
export const PART_GROUP_BYTES = 16; // bytes of eight packed rows
export const PART_THEN = 20;
export const PART_OUT = 24; // f32 [token][rows], key or value cache, or int8 activations
export const PART_OUT_FLOATS = 28; // PAIR: float activations
export const PART_FLAGS = 32; // PAIR: FLAG_QUANTS, FLAG_FLOATS of its output
export const PART_ADDEND = 36; // what is added to the outputs first; 0 for nothing
export const PART_EXPERT_BYTES = 40; // EXPERTS: from one expert's matrix to the next one's

// The table of a mixture of experts, u32 each but for the shares.
export const MAX_EXPERTS = 256;
export const MAX_USED = 16;
export const T_FIRST = 0; // first row of an expert, a multiple of four: [MAX_EXPERTS]
export const T_COUNT = 1024; // its rows
export const T_CHOICE = 2048; // row of a token's choice: [token][used]
export const T_SHARE = 10240; // f32, its share
export const T_OWNER = 18432; // row by row: its token; of one token, its expert
export const TABLE_BYTES = 30720; // for 128 tokens

// An addend: a bias, then so many low-rank changes.
export const ADDEND_BYTES = 16;
export const ADDEND_BIAS = 0; // f32 [rows]; 0 for none
export const ADDEND_COUNT = 4;
export const CHANGE_BYTES = 16;
export const CHANGE_B = 0; // f32 [rows / UNIT][rank][UNIT]
export const CHANGE_T = 4; // f32 [token][rank]: a · x
export const CHANGE_RANK = 8;
export const CHANGE_SCALE = 12; // f32

export const THEN_STORE = 1;
export const THEN_ADD = 2;
export const THEN_ROPE_Q = 3; // turned, f32
export const THEN_ROPE_K = 4; // turned, to the key cache
export const THEN_V = 5; // to the value cache
export const THEN_PAIR = 6; // this part is the gate, the next one is up: silu(gate) · up as activations

// Control block at the start of a bank, byte addresses.
export const C_GENERATION = 1024; // barrier
export const C_ARRIVED = 1088;
export const C_SLEEPERS = 1152;
export const C_ACTIVE = 1216; // threads that take part
export const C_BANK = 1220; // bank the threads are woken for
export const C_FIRST = 1224; // ops to run: [first, last)
export const C_LAST = 1228;
export const C_TOKENS = 1232; // tokens of this run
export const C_AT = 1236; // position of the first
export const C_HEAD_FIRST = 1240; // tokens whose logits are asked for
export const C_HEAD_COUNT = 1244;
export const C_IDS = 1248; // u32 token ids
export const C_ROPE = 1252; // f32 [token][ropeDims / 2][cos, sin]
export const C_ROPE_DIMS = 1256;
export const C_HEADS = 1260;
export const C_KV_HEADS = 1264;
export const C_HEAD_DIM = 1268;
export const C_HEAD_PAD = 1272; // head dim, up to a multiple of 8
export const C_CONTEXT = 1276; // positions, a multiple of RUN
export const C_SCRATCH = 1280; // per thread
export const C_SCRATCH_BYTES = 1284;
export const C_PARTIALS = 1288; // f32 [query row][run][headPad + 4]: output, maximum, sum
export const C_PARTIAL_ROWS = 1292; // rows there is room for
export const C_TILE_COUNTERS = 1296; // runs done, per tile of query rows
export const C_CACHE_WIDE = 1308; // 1 where keys and values are floats, 0 where they are halves
export const C_CODES = 1304; // where in a thread's scratch eight rows are unpacked
export const C_FAULT = 1300; // set by a repack that met a scale it can't hold
export const C_GO = 2048; // per thread, 64 bytes apart: run number, then whether it sleeps
export const MAX_THREADS = 64;
export const C_QUEUE = 6144; // rows on their way in: an op whose counter is the next slot to be packed
export const C_QUEUED = 6208; // slots filled so far
export const C_CLOSED = 6212; // nothing more is coming
export const C_SLOTS = 6216; // where the slots are
export const C_SLOT_BYTES = 6220;
export const C_NEWS = 6272; // counts fillings and the closing; threads without work sleep on it
export const C_NAPPERS = 6336; // those that do
export const C_SLOT = 6400; // per slot, SLOT_BYTES apart: what is in it

// A slot holds rows as they came, until a thread packs them.
export const SLOTS = 8;
export const SLOT_BYTES = 64;
export const SLOT_LAYOUT = 0;
export const SLOT_MODE = 4;
export const SLOT_ROWS = 8;
export const SLOT_COLS = 12;
export const SLOT_TO = 16; // packed rows
export const SLOT_DONE = 20; // times it was emptied
export const C_END = 6912;

// Attention works on runs of positions and tiles of query rows.
export const RUN = 64;
export const TILE_ROWS = 32;

// Scratch of one thread, byte offsets.
export const MOST_UNITS = 8; // of one token, worked on at once
export const SPAN = 64; // of many tokens, worked on at once: a multiple of four
export const S_OUT = 0; // f32 [MOST_UNITS · UNIT] of one token, or [SPAN][UNIT]
export const S_OUT_UP = 8192; // the same for the up half of a PAIR
export const S_STATS = 16384; // attention: f32 maximum, sum, running maximum, running sum: [4][TILE_ROWS]
export const S_SCORES = 16896; // f32 [TILE_ROWS][RUN]
export const S_ATTEND = 25088; // f32 queries, run output, running output: [3][TILE_ROWS][headPad], then a run's keys or values
//                                [RUN][headPad]; then own activations, and eight rows unpacked
