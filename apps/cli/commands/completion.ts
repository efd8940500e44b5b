import type { Command } from 'commander';
import type { Io } from '../io.js';

const optionsOf = (command: Command): string[] =>
  command.options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));

/** Words that may follow each path of commands. */
function wordsAfter(command: Command, path: readonly string[] = []): [path: string, words: string[]][] {
  const own = [...command.commands.flatMap((each) => [each.name(), ...each.aliases()]), ...optionsOf(command)];
  const below = command.commands.flatMap((each) =>
    [each.name(), ...each.aliases()].flatMap((name) => wordsAfter(each, [...path, name])),
  );
  return [[path.join(' '), own], ...below];
}

/** A bash function that completes commands and options; zsh reads it too, through bashcompinit. */
export function completionScript(program: Command, shell: 'bash' | 'zsh'): string {
  const shared = optionsOf(program).join(' ');
  const cases = wordsAfter(program).map(([path, words]) => `    "${path}") words="${words.join(' ')}" ;;`);
  const lines = [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_berth() {',
    '  local word path="" words="" i',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    `    word="\${COMP_WORDS[i]}"`,
    `    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac`,
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    `  COMPREPLY=($(compgen -W "$words ${shared}" -- "\${COMP_WORDS[COMP_CWORD]}"))`,
    '}',
    'complete -o default -F _berth berth',
  ];
  return lines.join('\n');
}

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .argument('<shell>', 'bash or zsh')
    .description('Print a completion script: source <(berth completion bash)')
    .action((shell: string, _options: unknown, command: Command) => {
      if (shell !== 'bash' && shell !== 'zsh') command.error('error: allowed are bash and zsh');
      io.out.write(`${completionScript(program, shell === 'zsh' ? 'zsh' : 'bash')}\n`);
    });
}
