/** Keeps the end of a text stream, and hands its lines to who listens. */
export class OutputTail {
  readonly #maxChars: number;
  readonly #listeners = new Set<(line: string) => void>();
  readonly #chunks: string[] = [];
  #chars = 0;
  #partial = '';

  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  add(text: string): void {
    this.#chunks.push(text);
    this.#chars += text.length;
    while (this.#chunks.length > 1 && this.#chars - this.#chunks[0]!.length >= this.#maxChars) {
      this.#chars -= this.#chunks.shift()!.length;
    }
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) for (const listener of this.#listeners) listener(line);
  }

  text(): string {
    return this.#chunks.join('').slice(-this.#maxChars);
  }

  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
