// What the build tells the service worker about itself.

/** The files of a build, as .config/service-worker.ts lists them. Paths are relative to the service worker. */
export interface Precache {
  /** Changes with any file of the build. */
  readonly version: string;
  /** Kept from the start. Names change with content. */
  readonly hashed: readonly string[];
  /** Kept once they were asked for: assets, whose names change with content, and others, per version. */
  readonly onDemand: readonly string[];
  /** Kept from the start, per version: pages, cria.js, the catalogue, icons. */
  readonly named: readonly string[];
}
