import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { line } from '#contract';

/** What a receiver lets be on its way to it: the most that a slow reader costs anybody, per tunnel and direction. */
export const tunnelWindowBytes = 256 * 1024;
/** Data travels in pieces of at most this. */
export const tunnelPieceBytes = 16 * 1024;

type FrameInit = NonNullable<MessageInitShape<typeof line.TunnelFrameSchema>['frame']>;

/** One end of a stream that carries frames. */
export interface FramePipe {
  /** Resolves when there is room for the next. Rejects once the stream has ended. */
  write(frame: line.TunnelFrame): Promise<void>;
  /** Iterated once; throws when the stream fails. */
  readonly frames: AsyncIterable<line.TunnelFrame>;
}

export const frameOf = (frame: FrameInit): line.TunnelFrame => create(line.TunnelFrameSchema, { frame });

export const dataBytesOf = ({ frame }: line.TunnelFrame): number =>
  frame.case === 'data' ? frame.value.bytes.byteLength : 0;

/** A peer has sent more than it was allowed to. */
export class WindowExceeded extends Error {
  override readonly name = 'WindowExceeded';

  constructor(bytes: number, allowed: number) {
    super(`${bytes} bytes were sent where ${allowed} were allowed`);
  }
}

/** The tunnel is over: nothing can be sent any more. */
export class TunnelOver extends Error {
  override readonly name = 'TunnelOver';
}
