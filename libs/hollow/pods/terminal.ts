import { type CommandIo, Interrupted } from './commands.js';

const keys = {
  interrupt: 0x03,
  end: 0x04,
  backspace: 0x08,
  newline: 0x0a,
  enter: 0x0d,
  kill: 0x15,
  erase: 0x7f,
} as const;
const rubOut = Buffer.from('\b \b');

/**
 * The line discipline of a pretended terminal: what is typed is echoed and handed on line by line, Ctrl-C interrupts, Ctrl-D
 * at the start of a line is the end of input, once; backspace and Ctrl-U edit.
 */
class Terminal {
  /** Typed and not read; an empty one is an end of input. */
  #lines: Buffer[] = [];
  #line: number[] = [];
  #isInterrupted = false;
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(private readonly raw: CommandIo) {
    void this.#type();
  }

  /** @throws Interrupted */
  async out(text: string | Uint8Array): Promise<void> {
    this.#obey();
    await this.raw.out(Buffer.from(Buffer.from(text).toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
    this.#obey();
  }

  /** @throws Interrupted */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#obey();
      const line = this.#lines.shift();
      if (line !== undefined) return line.length === 0 ? undefined : line;
      if (this.#isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #obey(): void {
    if (!this.#isInterrupted) return;
    this.#isInterrupted = false;
    throw new Interrupted();
  }

  async #type(): Promise<void> {
    for (let piece = await this.raw.read(); piece !== undefined; piece = await this.raw.read()) {
      const echo = Buffer.concat([...piece].map((key) => this.#press(key)));
      // not waited for: Ctrl-C must come through while nobody takes what a command prints
      if (echo.length > 0) void this.raw.out(echo);
      this.#wake();
    }
    this.#isOver = true;
    this.#wake();
  }

  /** Answers what to echo. */
  #press(key: number): Buffer {
    if (key === keys.interrupt) {
      this.#lines = [];
      this.#line = [];
      this.#isInterrupted = true;
      return Buffer.from('^C\r\n');
    }
    if (key === keys.end) return this.#handOn('');
    if (key === keys.backspace || key === keys.erase) return this.#erase();
    if (key === keys.kill) return Buffer.concat(Array.from({ length: this.#line.length }, () => this.#erase()));
    this.#line.push(key === keys.enter ? keys.newline : key);
    if (this.#line.at(-1) === keys.newline) return this.#handOn('\r\n');
    const isShown = key >= 0x20 || key === 0x09;
    return isShown ? Buffer.of(key) : Buffer.from(`^${String.fromCharCode(key + 0x40)}`);
  }

  #handOn(echo: string): Buffer {
    this.#lines.push(Buffer.from(this.#line));
    this.#line = [];
    return Buffer.from(echo);
  }

  /** Takes a whole character of UTF-8 off. */
  #erase(): Buffer {
    let last = this.#line.pop();
    if (last === undefined) return Buffer.alloc(0);
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#line.pop();
    return rubOut;
  }
}

/** What a command has of the world when a terminal is between: its reads and writes throw `Interrupted` on Ctrl-C. */
export function throughTerminal(raw: CommandIo): CommandIo {
  const terminal = new Terminal(raw);
  const out = (text: string | Uint8Array) => terminal.out(text);
  return { ...raw, out, err: out, read: () => terminal.read() };
}
