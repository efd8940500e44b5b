/** A line grew beyond the bound: what sends it is no Kubernetes watch. */
export class LineTooLong extends Error {
  override name = 'LineTooLong';
}

const newline = 0x0a;

/** Lines of a byte stream, without their ends; an unfinished last line is dropped. Holds at most one line. */
export async function* linesOf(source: AsyncIterable<Uint8Array>, longestBytes: number): AsyncGenerator<string> {
  let pieces: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...pieces, chunk.subarray(start, end)]).toString('utf8');
      pieces = [];
      held = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    held += chunk.length - start;
    if (held > longestBytes) throw new LineTooLong(`a line is longer than ${longestBytes} bytes`);
    pieces.push(start === 0 ? chunk : chunk.subarray(start));
  }
}
