// Files the installed app was opened with: the manifest makes it the system's program for .gguf files.

interface LaunchParams {
  readonly files?: readonly { getFile(): Promise<File> }[];
}

interface LaunchQueue {
  setConsumer(consumer: (params: LaunchParams) => void): void;
}

declare global {
  interface Window {
    readonly launchQueue?: LaunchQueue;
  }
}

/** Calls `open` with the files the app was started with, now or later; never where browsers have no such thing. */
export function onLaunchedWithFiles(open: (files: File[]) => void): void {
  window.launchQueue?.setConsumer(({ files = [] }) => {
    if (files.length > 0) void Promise.all(files.map((handle) => handle.getFile())).then(open);
  });
}
