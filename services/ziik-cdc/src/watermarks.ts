/** Prefix of our logical messages in the source's WAL. */
export const MESSAGE_PREFIX = 'orgstream';

/** A chunk's place in the stream: opened by its low watermark, closed by its high one. */
export interface ChunkWindow {
  /** Random, so that messages of other installations or of a former session mean nothing to us. */
  readonly token: string;
  /** What the keys of its tenant begin with: others are not remembered, however many come. */
  readonly prefix: string;
  /** Keys of records that came between the watermarks: they overtake the chunk's rows. */
  readonly overtaken: Set<string>;
  /** The low watermark's position, and how many commits the stream had seen before it. */
  onLow(commitLsn: number, xidMark: number): void;
  /** Called inside the stream, so that rows sent here stand before every later record. */
  onHigh(): void;
}

export const lowMark = (token: string): string => `low:${token}`;
export const highMark = (token: string): string => `high:${token}`;

/** Matches watermark messages to the windows that wait for them. One window is open at a time. */
export class Watermarks {
  readonly #expected = new Map<string, ChunkWindow>();
  #open: ChunkWindow | undefined;

  expect(window: ChunkWindow): void {
    this.#expected.set(window.token, window);
  }

  forget(window: ChunkWindow): void {
    this.#expected.delete(window.token);
    if (this.#open === window) this.#open = undefined;
  }

  onMessage(content: string, commitLsn: number, xidMark: number): void {
    const colon = content.indexOf(':');
    const window = this.#expected.get(content.slice(colon + 1));
    if (!window) return;
    if (content.startsWith('low:')) {
      this.#open = window;
      window.onLow(commitLsn, xidMark);
    } else if (content.startsWith('high:')) {
      this.forget(window);
      window.onHigh();
    }
  }

  /** To be called with the key of every streamed record. */
  overtake(key: string): void {
    const window = this.#open;
    if (window && key.startsWith(window.prefix)) window.overtaken.add(key);
  }

  /**
   * To be called with the key of a streamed record that was set aside: nothing overtakes the chunk's row then. Left out
   * all the same it would be missed by nobody, and ingest would remove an object that is there.
   */
  refuse(key: string): void {
    this.#open?.overtaken.delete(key);
  }
}
