// Reads pickles and runs nothing: a stack machine that builds containers and knows the few names PyTorch writes. Whatever else a
// pickle asks for is refused by name, before anything after it is read.
// Source: CPython Lib/pickletools.py (opcodes, protocols 0 to 5); PyTorch torch/_utils.py and torch/serialization.py.
import { damaged, refused } from "./errors.ts";
import {
  PickleDict,
  PickleList,
  PickleName,
  PickleSet,
  type PickleStorage,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";
import { OutOfBytes, PickleBytes } from "./pickle-bytes.ts";
import { build, construct, knownName, storageOf } from "./pickle-torch.ts";

/** A pickle's value and where the bytes after it start. */
export interface Unpickled {
  readonly value: PickleValue;
  /** Every storage it names, by key. */
  readonly storages: ReadonlyMap<string, PickleStorage>;
  readonly end: number;
}

/** Reads the pickle that starts at bytes[at]; null where its end is not among the bytes. Throws `bad_file`. */
export function unpickle(file: string, bytes: Uint8Array, at = 0): Unpickled | null {
  const machine = new Unpickler(file, bytes, at);
  try {
    const value = machine.run();
    return { value, storages: machine.storages, end: machine.at };
  } catch (error) {
    if (error instanceof OutOfBytes) return null;
    throw error;
  }
}

/** Between a MARK and what takes everything above it. */
const MARK = Symbol("mark");
const MOST_MEMOS = 1 << 24;

class Unpickler extends PickleBytes {
  readonly storages = new Map<string, PickleStorage>();
  private readonly stack: (PickleValue | typeof MARK)[] = [];
  private readonly memo = new Map<number, PickleValue>();

  /** Runs to STOP; the value left on the stack is the pickle's. */
  run(): PickleValue {
    for (;;) {
      const opcode = this.u8();
      if (opcode === 0x2e) return this.pop();
      this.step(opcode);
    }
  }

  private step(opcode: number): void {
    switch (opcode) {
      case 0x80: // PROTO
        if (this.u8() > 5) throw damaged(this.file, "its pickle is of an unknown protocol");
        return;
      case 0x95: // FRAME
        this.size(8);
        return;
      case 0x28: // MARK
        this.stack.push(MARK);
        return;
      case 0x30: // POP
        this.popAny();
        return;
      case 0x31: // POP_MARK
        this.popToMark();
        return;
      case 0x32: // DUP
        return this.push(this.top());
      case 0x4e: // NONE
        return this.push(null);
      case 0x88: // NEWTRUE
        return this.push(true);
      case 0x89: // NEWFALSE
        return this.push(false);
      case 0x4b: // BININT1
        return this.push(this.u8());
      case 0x4d: // BININT2
        return this.push(this.size(2));
      case 0x4a: // BININT
        return this.push(this.i32());
      case 0x8a: // LONG1
        return this.push(this.long(this.u8()));
      case 0x8b: // LONG4
        return this.push(this.long(this.size(4)));
      case 0x47: // BINFLOAT
        return this.push(this.f64());
      case 0x49: // INT
      case 0x4c: // LONG
      case 0x46: // FLOAT
        return this.push(this.decimal(opcode));
      case 0x58: // BINUNICODE
        return this.push(this.text(this.size(4)));
      case 0x8c: // SHORT_BINUNICODE
        return this.push(this.text(this.u8()));
      case 0x8d: // BINUNICODE8
        return this.push(this.text(this.size(8)));
      case 0x56: // UNICODE
        return this.push(this.line());
      case 0x54: // BINSTRING
        return this.push(this.text(this.size(4)));
      case 0x55: // SHORT_BINSTRING
        return this.push(this.text(this.u8()));
      case 0x42: // BINBYTES
        return this.push(this.raw(this.size(4)));
      case 0x43: // SHORT_BINBYTES
        return this.push(this.raw(this.u8()));
      case 0x8e: // BINBYTES8
        return this.push(this.raw(this.size(8)));
      case 0x29: // EMPTY_TUPLE
        return this.push(new PickleTuple([]));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.push(new PickleTuple(this.popSome(opcode - 0x84)));
      case 0x74: // TUPLE
        return this.push(new PickleTuple(this.popToMark()));
      case 0x5d: // EMPTY_LIST
        return this.push(new PickleList());
      case 0x6c: // LIST
        return this.push(listOf(this.popToMark()));
      case 0x61: // APPEND
        return this.append(this.popSome(1));
      case 0x65: // APPENDS
        return this.append(this.popToMark());
      case 0x7d: // EMPTY_DICT
        return this.push(new PickleDict());
      case 0x64: // DICT
        return this.dict();
      case 0x73: // SETITEM
        return this.setItems(this.popSome(2));
      case 0x75: // SETITEMS
        return this.setItems(this.popToMark());
      case 0x8f: // EMPTY_SET
        return this.push(new PickleSet());
      case 0x90: // ADDITEMS
        return this.addItems(this.popToMark());
      default:
        return this.refer(opcode);
    }
  }

  /** Opcodes that name things: the memo, Python's names, and calls of the few that are known. */
  private refer(opcode: number): void {
    switch (opcode) {
      case 0x71: // BINPUT
        return this.remember(this.u8());
      case 0x72: // LONG_BINPUT
        return this.remember(this.size(4));
      case 0x70: // PUT
        return this.remember(Number(this.line()));
      case 0x94: // MEMOIZE
        return this.remember(this.memo.size);
      case 0x68: // BINGET
        return this.recall(this.u8());
      case 0x6a: // LONG_BINGET
        return this.recall(this.size(4));
      case 0x67: // GET
        return this.recall(Number(this.line()));
      case 0x63: // GLOBAL
        return this.push(knownName(this.file, this.line(), this.line()));
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.popSome(2);
        if (typeof module !== "string" || typeof name !== "string") throw damaged(this.file, "its pickle names what is no text");
        return this.push(knownName(this.file, module, name));
      }
      case 0x51: // BINPERSID
        return this.store(storageOf(this.file, this.pop()));
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [callable = null, given = null] = this.popSome(2);
        if (!(callable instanceof PickleName) || !(given instanceof PickleTuple)) {
          throw damaged(this.file, "its pickle calls what is no name");
        }
        return this.push(construct(this.file, callable, given.items));
      }
      case 0x62: {
        // BUILD
        const state = this.pop();
        return build(this.file, this.top(), state);
      }
      default:
        throw refused(this.file, `its pickle has the opcode 0x${opcode.toString(16)} at byte ${this.at - 1}, which is not read`);
    }
  }

  private store(storage: PickleStorage): void {
    this.storages.set(storage.key, storage);
    this.push(storage);
  }

  private append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!(list instanceof PickleList)) throw damaged(this.file, "its pickle appends to what is no list");
    for (const item of items) list.items.push(item);
  }

  private dict(): void {
    const items = this.popToMark();
    this.push(new PickleDict());
    this.setItems(items);
  }

  private setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0)
      throw damaged(this.file, "its pickle sets items of what is no dict");
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i]!, items[i + 1]!);
  }

  private addItems(items: readonly PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof PickleSet)) throw damaged(this.file, "its pickle adds to what is no set");
    for (const item of items) set.items.add(item);
  }

  private remember(key: number): void {
    if (!(key >= 0 && key < MOST_MEMOS)) throw damaged(this.file, `its pickle remembers something as number ${key}`);
    this.memo.set(key, this.top());
  }

  private recall(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw damaged(this.file, `its pickle recalls number ${key}, which it never remembered`);
    this.push(value);
  }

  private push(value: PickleValue): void {
    this.stack.push(value);
  }

  private popAny(): PickleValue | typeof MARK {
    const value = this.stack.pop();
    if (value === undefined) throw damaged(this.file, "its pickle takes from an empty stack");
    return value;
  }

  private pop(): PickleValue {
    const value = this.popAny();
    if (value === MARK) throw damaged(this.file, "its pickle takes a mark for a value");
    return value;
  }

  private top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  private popSome(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }

  private popToMark(): PickleValue[] {
    const items: PickleValue[] = [];
    for (;;) {
      const value = this.popAny();
      if (value === MARK) return items.reverse();
      items.push(value);
    }
  }
}

function listOf(items: readonly PickleValue[]): PickleList {
  const list = new PickleList();
  list.items.push(...items);
  return list;
}
