// Runs a program: a list of ops in memory, walked by every thread at once. A token costs one call a bank.
import { attend } from "./attend";
import { callThreads, waitForCall } from "./barrier";
import { combine, expertProducts, gather, route } from "./experts";
import { attendPrompt } from "./prompt";
import { packAll } from "./queue";
import { embed, matmul, norm } from "./steps";
import {
  C_ACTIVE, C_BANK, C_FIRST, C_LAST, CODE_ATTEND, CODE_COMBINE, CODE_EMBED, CODE_EXPERTS, CODE_GATHER, CODE_MATMUL, CODE_NORM, CODE_PACK, CODE_PROMPT, CODE_ROUTE, OP_CODE, OP_NEXT,
} from "./words";

/** Runs the ops of a bank other than the first, in that bank's own instance. */
@external("env", "enterBank")
declare function enterBank(bank: i32): void;

/** Thread 0: calls the other threads to the ops of `bank`. Bank 0 only, before its `execute`. */
export function call(bank: i32, active: i32): void {
  store<i32>(C_ACTIVE, active);
  store<i32>(C_BANK, bank);
  if (SHARED) callThreads();
}

/** A compute thread's whole life: waits for calls, takes part in them, and returns when called with no ops and bank -1. */
export function serve(thread: i32): void {
  let seen = 0;
  while (true) {
    seen = waitForCall(thread, seen);
    const bank = load<i32>(C_BANK);
    if (bank < 0) return;
    if (bank) enterBank(bank);
    else execute(thread);
  }
}

/** This thread's share of the ops from C_FIRST to C_LAST. */
export function execute(thread: i32): void {
  const last = load<usize>(C_LAST);
  for (let op = load<usize>(C_FIRST); op < last; op += load<usize>(op, OP_NEXT)) {
    switch (load<i32>(op, OP_CODE)) {
      case CODE_EMBED:
        embed(op);
        break;
      case CODE_NORM:
        norm(op, thread);
        break;
      case CODE_MATMUL:
        matmul(op, thread);
        break;
      case CODE_ATTEND:
        attend(op, thread);
        break;
      case CODE_PACK:
        packAll(op);
        break;
      case CODE_ROUTE:
        route(op);
        break;
      case CODE_GATHER:
        gather(op, thread);
        break;
      case CODE_EXPERTS:
        expertProducts(op, thread);
        break;
      case CODE_COMBINE:
        combine(op);
        break;
      case CODE_PROMPT:
        attendPrompt(op, thread);
        break;
    }
  }
}
