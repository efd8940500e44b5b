import { type Document, isScalar, LineCounter, parseAllDocuments, type ScalarTag, visit } from 'yaml';
import { InvalidRequest } from '#domain';
import { boundYaml } from './yaml-bounds.js';

/**
 * Kubernetes reads YAML 1.1 where it differs in ways that manifests rely on: `defaultMode: 0644` is octal, `yes` and
 * `off` are booleans, `<<` merges. Its base-60 numbers and dates are texts there, and here.
 */
const legacyOctal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?0[0-7]+$/,
  resolve: (text) => Number.parseInt(text, 8),
};
const legacyBoolean: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/,
  resolve: (text) => /^(?:yes|on)$/i.test(text),
};

/** As the yaml package counts them: uses of an alias times what it stands for. */
const maxAliasCount = 100;

const invalid = (field: string, description: string, cause?: unknown): InvalidRequest => {
  const error = new InvalidRequest([{ field, description }]);
  if (cause !== undefined) error.cause = cause;
  return error;
};

/** The package compares each key with each other; a set does it in one pass. */
function duplicateKeyOffset(document: Document.Parsed): { key: string; offset: number } | undefined {
  let found: { key: string; offset: number } | undefined;
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === '<<') continue;
        const name = String(key.value);
        if (seen.has(name)) {
          found = { key: name, offset: key.range?.[0] ?? 0 };
          return visit.BREAK;
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return found;
}

function readYaml(text: string): unknown[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    customTags: (tags) => [legacyOctal, legacyBoolean, ...tags],
    lineCounter: lines,
    logLevel: 'silent',
    merge: true,
    prettyErrors: false,
    uniqueKeys: false,
  });
  if (!Array.isArray(documents)) return [];
  return documents.map((document, index) => {
    const field = `manifests[${index}]`;
    const [error] = document.errors;
    if (error !== undefined)
      throw invalid(
        field,
        `line ${lines.linePos(error.pos[0]).line}: ${error.message}; allowed is YAML or JSON`,
        error,
      );
    const duplicate = duplicateKeyOffset(document);
    if (duplicate !== undefined)
      throw invalid(field, `line ${lines.linePos(duplicate.offset).line}: "${duplicate.key}" is there twice`);
    try {
      return document.toJS({ maxAliasCount });
    } catch (cause) {
      if (cause instanceof ReferenceError) throw invalid(field, `aliases: ${cause.message}`, cause);
      throw cause;
    }
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

/**
 * The values of each document, null for an empty one.
 * @throws InvalidRequest with the document and line of the first mistake.
 */
export function readDocuments(text: string): unknown[] {
  // JSON is YAML too, but its own parser is a hundred times as fast and has no recursion to exhaust.
  const json = /^\s*\{/.test(text) ? readJson(text) : undefined;
  if (json !== undefined) return [json];
  boundYaml(text);
  return readYaml(text);
}
