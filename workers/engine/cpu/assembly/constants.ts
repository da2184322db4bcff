// Constants of inner loops. V8 builds a constant vector anew each time it is used, three instructions; what it can't see
// to be constant stays in a register. So these are variables, and exported, or the compiler would find them out.

/** 0x0f in every byte. */
export let NIBBLES: i32 = 0x0f0f0f0f;
/** Sign, exponent and mantissa of a widened half. */
export let HALF_BITS: i32 = 0x8fffe000;
/** Sign, exponent and upper mantissa of a cached half. */
export let CACHE_UPPER: i32 = 0x8fff8fff;
/** Its lower mantissa, moved up by one. */
export let CACHE_LOWER: i32 = 0xe000e000;
