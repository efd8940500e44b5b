/** What a pretended command has of the world. */
export interface CommandIo {
  out(text: string | Uint8Array): Promise<void>;
  err(text: string): Promise<void>;
  /** Undefined at its end. */
  read(): Promise<Uint8Array | undefined>;
  env: Readonly<Record<string, string>>;
  /** Of the terminal, as last told. */
  size(): { columns: number; rows: number };
  isClosed(): boolean;
}

/** No such program, as a container runtime words it. */
export class NoSuchProgram extends Error {}

/** Ctrl-C was typed: the command in the foreground ends. */
export class Interrupted extends Error {}
const interruptedCode = 130;

type Program = (args: readonly string[], io: CommandIo) => Promise<number>;

const cat: Program = async (files, io) => {
  for (const file of files) await io.err(`cat: ${file}: No such file or directory\n`);
  if (files.length > 0) return 1;
  for (let piece = await io.read(); piece !== undefined; piece = await io.read()) await io.out(piece);
  return 0;
};

/** Without end, as fast as it is read. */
const yes: Program = async ([word = 'y'], io) => {
  const text = `${word}\n`.repeat(1000);
  while (!io.isClosed()) {
    await io.out(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return 0;
};

const programs: Readonly<Record<string, Program>> = {
  true: async () => 0,
  false: async () => 1,
  echo: async (words, io) => {
    await io.out(`${words.join(' ')}\n`);
    return 0;
  },
  cat,
  yes,
  env: async (_, io) => {
    await io.out(
      Object.entries(io.env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    return 0;
  },
  stty: async (_, io) => {
    const { columns, rows } = io.size();
    await io.out(`${rows} ${columns}\n`);
    return 0;
  },
  sh: (args, io) => (args[0] === '-c' ? script(args[1] ?? '', io) : shell(io)),
};

/** `exit` ends a script. */
class Exit extends Error {
  constructor(readonly code: number) {
    super('exit');
  }
}

/** Words, with quotes taken off; nothing else of a shell's language but `$NAME`. */
function wordsOf(line: string, env: CommandIo['env']): string[] {
  const parts = line.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  const filled = (text: string) => text.replace(/\$(\w+)/g, (_, name: string) => env[name] ?? '');
  return parts.map((part) => (part.startsWith("'") ? part.slice(1, -1) : filled(part.replace(/^"|"$/g, ''))));
}

async function runLine(line: string, io: CommandIo): Promise<number> {
  const toError = line.endsWith('>&2');
  const [name, ...args] = wordsOf(toError ? line.slice(0, -3) : line, io.env);
  if (name === undefined) return 0;
  if (name === 'exit') throw new Exit(Number(args[0] ?? 0));
  const program = programs[name];
  if (program === undefined) {
    await io.err(`sh: ${name}: not found\n`);
    return 127;
  }
  const out = (text: string | Uint8Array) => io.err(typeof text === 'string' ? text : Buffer.from(text).toString());
  return program(args, toError ? { ...io, out } : io);
}

async function script(text: string, io: CommandIo): Promise<number> {
  let code = 0;
  try {
    for (const line of text.split(/[;\n]/)) code = await runLine(line.trim(), io);
    return code;
  } catch (error) {
    if (error instanceof Exit) return error.code;
    throw error;
  }
}

/** What a shell reads line by line; a command that it runs reads on from there. */
class ShellInput {
  #rest = Buffer.alloc(0);

  constructor(private readonly io: CommandIo) {}

  /** The next line; what is left at the end of input is one too. */
  async line(): Promise<string | undefined> {
    for (;;) {
      const length = this.#rest.findIndex((byte) => byte === 0x0a || byte === 0x0d);
      if (length >= 0) return this.#take(length, 1);
      const piece = await this.io.read();
      if (piece === undefined) return this.#rest.length > 0 ? this.#take(this.#rest.length, 0) : undefined;
      this.#rest = Buffer.concat([this.#rest, piece]);
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) return this.io.read();
    const piece = this.#rest;
    this.forget();
    return piece;
  }

  forget(): void {
    this.#rest = Buffer.alloc(0);
  }

  #take(length: number, ending: number): string {
    const line = this.#rest.subarray(0, length).toString('utf8');
    this.#rest = this.#rest.subarray(length + ending);
    return line;
  }
}

/** A prompt, until the input ends; an interrupted command comes back to it. */
async function shell(io: CommandIo): Promise<number> {
  const input = new ShellInput(io);
  const shared: CommandIo = { ...io, read: () => input.read() };
  let code = 0;
  for (;;)
    try {
      await io.out('$ ');
      const line = await input.line();
      if (line === undefined) return code;
      code = await runLine(line.trim(), shared);
    } catch (error) {
      if (error instanceof Exit) return error.code;
      if (!(error instanceof Interrupted)) throw error;
      input.forget();
      code = interruptedCode;
    }
}

/** Runs what a hollow container pretends to have: sh, echo, cat, env, stty, yes, true, false. Answers the exit code. */
export async function runCommand(command: readonly string[], io: CommandIo): Promise<number> {
  const [path = '', ...args] = command;
  const program = programs[path.split('/').at(-1) ?? ''];
  if (program === undefined) throw new NoSuchProgram(`exec: "${path}": executable file not found in $PATH: unknown`);
  try {
    return await program(args, io);
  } catch (error) {
    if (error instanceof Interrupted) return interruptedCode;
    throw error;
  }
}
