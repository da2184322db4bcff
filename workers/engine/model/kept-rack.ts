// A backend's adapters as a session holds them: what was read under one choice of them is forgotten under another.
import type { Adapter, AdapterRack, Applied } from "../base/adapter.ts";

/** A rack that calls `forget` before the choice changes. The same adapters at the same strengths are the same choice in any order. */
export class KeptRack implements AdapterRack {
  private applied: readonly Applied[] = [];

  constructor(
    private readonly rack: AdapterRack,
    private readonly forget: () => void,
  ) {}

  /** The present choice as a text: "" for none. Keys and values of equal texts and equal choices are equal. */
  get choice(): string {
    return choiceOf(this.applied);
  }

  add(adapter: Adapter): Promise<number> {
    return this.rack.add(adapter);
  }

  /** One in use is put out of use first. */
  remove(adapter: number): void {
    this.use(this.applied.filter((one) => one.adapter !== adapter));
    this.rack.remove(adapter);
  }

  use(applied: readonly Applied[]): void {
    const effective = applied.filter(({ scale }) => scale !== 0);
    if (choiceOf(effective) === this.choice) return;
    this.forget();
    this.rack.use(effective);
    this.applied = effective;
  }
}

function choiceOf(applied: readonly Applied[]): string {
  const parts = applied.map(({ adapter, scale }) => `${adapter}x${scale}`);
  return parts.sort().join(" ");
}
