import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { line } from '#contract';
import { TunnelEndpoint } from './endpoint.js';
import { joinPipes } from './joint.js';
import { dataBytesOf, type FramePipe, frameOf, TunnelOver, tunnelWindowBytes, WindowExceeded } from './pipe.js';

/** Two pipes that are each other's other end; what is written waits in memory until it is read. */
function pipes(): [FramePipe, FramePipe] & { hangUp(): void } {
  const lane = () => {
    const held: line.TunnelFrame[] = [];
    let isOver = false;
    let wake = () => {};
    const frames = async function* () {
      for (;;) {
        const next = held.shift();
        if (next !== undefined) yield next;
        else if (isOver) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    };
    const write = async (frame: line.TunnelFrame) => {
      held.push(frame);
      wake();
    };
    const end = () => {
      isOver = true;
      wake();
    };
    return { frames: frames(), write, end };
  };
  const [there, back] = [lane(), lane()];
  const both: [FramePipe, FramePipe] = [
    { write: there.write, frames: back.frames },
    { write: back.write, frames: there.frames },
  ];
  const hangUp = () => {
    there.end();
    back.end();
  };
  return Object.assign(both, { hangUp });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const settle = async () => {
  for (let i = 0; i < 20; i++) await turn();
};

/** Sender and receiver with a hub between them. */
function tunnel() {
  const [left, hubLeft] = pipes();
  const [hubRight, right] = pipes();
  const joined = joinPipes(hubLeft, hubRight);
  void joined.catch(() => undefined);
  return { joined, sender: new TunnelEndpoint(left), receiver: new TunnelEndpoint(right) };
}

describe('a tunnel', () => {
  it('carries bytes whole and in order, whatever their sizes', async () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const { sender, receiver } = tunnel();
        const sent = Buffer.concat(lengths.map((length, index) => Buffer.alloc(length, index)));
        const sending = (async () => {
          for (const [index, length] of lengths.entries()) await sender.send({ bytes: Buffer.alloc(length, index) });
          await sender.control(frameOf({ case: 'inputEnd', value: {} }));
        })();
        const got: Uint8Array[] = [];
        for await (const { frame } of receiver.received()) {
          if (frame.case === 'inputEnd') break;
          if (frame.case === 'data') got.push(frame.value.bytes);
        }
        await sending;
        expect(Buffer.concat(got).equals(sent)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('stops its sender at the window when the reader does not read, and goes on when it does', async () => {
    const { sender, receiver } = tunnel();
    let sent = 0;
    const piece = Buffer.alloc(10_000);
    const sending = (async () => {
      for (let i = 0; i < 200; i++) {
        await sender.send({ bytes: piece });
        sent += piece.byteLength;
      }
    })();
    await settle();
    expect(sent).toBeLessThanOrEqual(tunnelWindowBytes);
    expect(sent).toBeGreaterThan(tunnelWindowBytes - 2 * piece.byteLength);
    let got = 0;
    for await (const frame of receiver.received()) {
      got += dataBytesOf(frame);
      if (got === 200 * piece.byteLength) break;
    }
    await sending;
    expect(receiver.peakBytes).toBeLessThanOrEqual(tunnelWindowBytes);
  });

  it('passes control frames by a reader that does not read data the other way', async () => {
    const { sender, receiver } = tunnel();
    void sender.send({ bytes: Buffer.alloc(2 * tunnelWindowBytes) });
    await settle();
    void receiver.control(frameOf({ case: 'resize', value: { columns: 80, rows: 24 } }));
    const { value } = await sender.received().next();
    expect(value?.frame).toMatchObject({ case: 'resize', value: { columns: 80, rows: 24 } });
  });

  it('ends who sends without credit', async () => {
    const [left, hubLeft] = pipes();
    const [hubRight] = pipes();
    const stuck: FramePipe = { frames: hubRight.frames, write: () => new Promise(() => {}) };
    const joined = joinPipes(hubLeft, stuck);
    for (let i = 0; i < 30; i++) await left.write(frameOf({ case: 'data', value: { bytes: Buffer.alloc(16_384) } }));
    await expect(joined).rejects.toThrow(WindowExceeded);
  });

  it('tells senders that wait for credit when it is over', async () => {
    const line = pipes();
    const sender = new TunnelEndpoint(line[0]);
    const waiting = expect(sender.send({ bytes: Buffer.alloc(10) })).rejects.toThrow(TunnelOver);
    await line[1].write(frameOf({ case: 'credit', value: 5 }));
    await settle();
    line.hangUp();
    await waiting;
    await expect(sender.send({ bytes: Buffer.alloc(1) })).rejects.toThrow(TunnelOver);
  });
});
