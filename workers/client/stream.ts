// Reads what the worker streams: pieces are handed on at the pace of their reader, and none after the caller has said stop.
import { EngineError } from "../engine/base/errors.ts";
import type { FinishReason } from "../engine/base/openai.ts";
import type { StreamMessage } from "../engine/base/wire.ts";

/** A chunk of a chat or of a completion, as far as the stream looks at it. */
export interface StreamedPiece {
  readonly choices: readonly [{ readonly finish_reason: FinishReason | null }];
}

/** Waits until the reader is to get the next pieces. */
export type Pace = () => Promise<void>;

/** Messages of a port, collected until they are taken. */
export class Inbox<Piece extends StreamedPiece> {
  private messages: StreamMessage<Piece>[] = [];
  private arrived: () => void = () => undefined;

  constructor(
    private readonly port: MessagePort,
    private readonly pace: Pace,
  ) {
    port.onmessage = ({ data }: MessageEvent<StreamMessage<Piece>>) => this.put(data);
  }

  put(message: StreamMessage<Piece>): void {
    this.messages.push(message);
    this.arrived();
  }

  /** At least one message, and all that came until the reader's pace allows it. */
  async take(): Promise<StreamMessage<Piece>[]> {
    if (this.messages.length === 0) await new Promise<void>((resolve) => (this.arrived = resolve));
    await this.pace();
    return this.messages.splice(0);
  }

  close(): void {
    this.port.close();
  }
}

/**
 * The pieces of a stream in order. After `signal` fires only the closing piece comes, which carries the usage and no text.
 * `leave` is called when the loop ends, with whether the stream had ended before. Throws the stream's error, revived.
 */
export async function* readPieces<Piece extends StreamedPiece>(
  inbox: Inbox<Piece>,
  signal: AbortSignal | undefined,
  leave: (ended: boolean) => void,
): AsyncGenerator<Piece, void, void> {
  let ended = false;
  try {
    while (!ended) {
      for (const message of await inbox.take()) {
        ended = !("pieces" in message);
        if ("error" in message) throw EngineError.revive(message.error);
        if (!("pieces" in message)) break;
        for (const piece of message.pieces) if (!signal?.aborted || piece.choices[0].finish_reason !== null) yield piece;
      }
    }
  } finally {
    leave(ended);
  }
}
