/** What a pretended command has of the world. */
export interface CommandIo {
  out(text: string | Uint8Array): Promise<void>;
  err(text: string): Promise<void>;
  /** Undefined at its end. */
  read(): Promise<Uint8Array | undefined>;
  env: Readonly<Record<string, string>>;
  tty: boolean;
  /** Of the terminal, as last told. */
  size(): { columns: number; rows: number };
  isClosed(): boolean;
}

/** No such program, as a container runtime words it. */
export class NoSuchProgram extends Error {}

type Program = (args: readonly string[], io: CommandIo) => Promise<number>;

const cat: Program = async (_, io) => {
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

/** A prompt; with a terminal what is typed is echoed, and Ctrl-D at the start of a line ends it. */
async function shell(io: CommandIo): Promise<number> {
  const ends = io.tty ? '\r\n' : '\n';
  const shown: CommandIo = {
    ...io,
    out: (text) => io.out(typeof text === 'string' ? text.replaceAll('\n', ends) : text),
  };
  let line = '';
  let code = 0;
  await io.out('$ ');
  for (let piece = await io.read(); piece !== undefined; piece = await io.read()) {
    for (const character of Buffer.from(piece).toString('utf8')) {
      if (character === '\u0004' && line === '') return code;
      if (io.tty) await io.out(character === '\r' || character === '\n' ? ends : character);
      if (character !== '\r' && character !== '\n') {
        line += character;
        continue;
      }
      try {
        code = await runLine(line.trim(), shown);
      } catch (error) {
        if (error instanceof Exit) return error.code;
        throw error;
      }
      line = '';
      await io.out('$ ');
    }
  }
  return code;
}

/** Runs what a hollow container pretends to have: sh, echo, cat, env, stty, yes, true, false. Answers the exit code. */
export function runCommand(command: readonly string[], io: CommandIo): Promise<number> {
  const [path = '', ...args] = command;
  const program = programs[path.split('/').at(-1) ?? ''];
  if (program === undefined) throw new NoSuchProgram(`exec: "${path}": executable file not found in $PATH: unknown`);
  return program(args, io);
}
