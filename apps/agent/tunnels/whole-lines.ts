const newline = 0x0a;

/** So much from the start of `bytes` as makes whole lines within the bound; a longer line is cut. 0: no whole line yet. */
function wholeLength(bytes: Buffer, most: number): number {
  const within = bytes.subarray(0, most).lastIndexOf(newline) + 1;
  if (within > 0) return within;
  return bytes.length >= most ? most : 0;
}

/** Pieces of at most `most` bytes that end where a line ends, but for lines that are longer. The last gets its newline. */
export async function* wholeLines(source: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    for (let length = wholeLength(held, most); length > 0; length = wholeLength(held, most)) {
      yield held.subarray(0, length);
      held = held.subarray(length);
    }
  }
  if (held.length > 0) yield Buffer.concat([held, Buffer.of(newline)]);
}
