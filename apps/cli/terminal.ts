/** A person's terminal, or whatever else stands at standard input. */
export interface Input {
  readonly isTTY: boolean;
  /** As it comes; ends with the input. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Every key at once and unchanged, Ctrl-C too. */
  setRaw(raw: boolean): void;
  /** Of the terminal, in characters. */
  size(): { columns: number; rows: number };
  /** Answers how to stop listening. */
  onResize(listener: () => void): () => void;
  /** Nothing more is read: what is open keeps a program from ending. */
  close(): void;
}

/** The process' own. Read only when it is asked for: a command that reads nothing ends without waiting for it. */
export function processInput(): Input {
  const { stdin, stdout } = process;
  return {
    isTTY: stdin.isTTY === true,
    bytes: stdin,
    setRaw: (raw) => {
      if (stdin.isTTY) stdin.setRawMode(raw);
    },
    size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
    close: () => stdin.destroy(),
  };
}
