import { Lexer } from 'yaml';
import { InvalidRequest } from '#domain';

/**
 * The yaml package descends by recursion, and a stack that runs out inside a regular expression ends the process, not
 * the request. So nesting is bounded before it sees the text.
 */
const maxDepth = 64;
const maxIndent = 256;
/** Some 37,000 lines of `key: value`; they are read in about a second. */
const maxTokens = 300_000;
/** Each alias is looked for among all anchors before it. */
const maxReferences = 100;

/** What the lexer says before the text of a scalar: whatever follows opens nothing. */
const scalarFollows = '\u001f';

const invalid = (description: string): InvalidRequest => new InvalidRequest([{ field: 'manifests', description }]);

const isIndicator = (word: string): boolean =>
  word === '-' || word === '?' || word === ':' || word.startsWith('!') || word.startsWith('&');

/** `- - - -`: each opens a list in a list. The lexer itself descends here. */
function boundIndicators(text: string): void {
  let inRow = 0;
  for (const [word] of text.matchAll(/\S+|\n/g)) {
    inRow = isIndicator(word) ? inRow + 1 : 0;
    if (inRow > maxDepth) throw invalid(`is nested deeper than ${maxDepth}, or has as many tags in a row`);
  }
}

/** @throws InvalidRequest when a text nests deeper, or has more parts, than any manifest. */
export function boundYaml(text: string): void {
  boundIndicators(text);
  let depth = 0;
  let tokens = 0;
  let references = 0;
  let before = '';
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > maxTokens) throw invalid(`found more than ${maxTokens} parts of YAML; hand in less at once`);
    if (before !== scalarFollows) {
      if (token.startsWith('&') || token.startsWith('*')) references += 1;
      if (token === '[' || token === '{') depth += 1;
      else if (token === ']' || token === '}') depth = Math.max(0, depth - 1);
      else if ((before === '\n' || before === '\r\n') && /^ +$/.test(token) && token.length > maxIndent)
        throw invalid(`is indented by more than ${maxIndent} columns`);
    }
    if (references > maxReferences) throw invalid(`found more than ${maxReferences} anchors and aliases`);
    if (depth > maxDepth) throw invalid(`is nested deeper than ${maxDepth}`);
    before = token;
  }
}
