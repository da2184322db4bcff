// Files that the operating system opens with the installed app.
// Source: wicg.github.io/manifest-incubations, launch queue; Chromium has it, others ignore the manifest's file_handlers.

interface LaunchQueue {
  setConsumer(consumer: (launch: { readonly files: readonly FileSystemFileHandle[] }) => void): void;
}

declare global {
  interface Window {
    readonly launchQueue?: LaunchQueue;
  }
}

/** Calls `open` with the files the app was launched with; never where that is not offered. */
export function onLaunchedFiles(open: (files: File[]) => void): void {
  window.launchQueue?.setConsumer(({ files }) => {
    if (files.length > 0) void Promise.all(files.map((handle) => handle.getFile())).then(open);
  });
}
