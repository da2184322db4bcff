// A full disk, told with what could be removed.
import { EngineError } from "../engine/base/errors.ts";
import { listModels } from "./models.ts";
import { gigabytes } from "./room.ts";

/** Runs `work` for a model; where the disk is full, the error says which other models could be removed, largest first. */
export async function withOffers<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== "disk_full") throw error;
    const others = (await listModels()).filter((model) => model.id !== id && model.storedBytes > 0);
    const [first, second] = others.sort((a, b) => b.storedBytes - a.storedBytes);
    if (!first) throw error;
    const offers = [first, ...(second ? [second] : [])].map(({ name, storedBytes }) => `${name} (${gigabytes(storedBytes)})`);
    throw new EngineError(
      error.code,
      error.message,
      `Remove ${offers.join(" or ")} from the stored models, or free space on the disk, then go on: what has arrived is kept.`,
    );
  }
}
