import { createHash } from 'node:crypto';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { canonicalJson, InvalidRequest, type Principal, RequestIdReused } from '#domain';
import { keepAnswer, type Transaction, takeRequestId } from '#store';

const requestIdForm = /^[\x21-\x7e]{1,128}$/;

/** One mutating request, with what is needed to know it again. */
export interface RepeatableRequest<I extends DescMessage, O extends DescMessage> {
  principal: Principal;
  method: { name: string; input: I; output: O };
  request: MessageShape<I> & { requestId: string };
  /** What is kept of the answer: all of it, unless it shows a secret. */
  kept?: (answer: MessageShape<O>) => MessageShape<O>;
}

/**
 * Runs `work` once for each request id: a repetition gets the first answer, from the transaction that gave it.
 *
 * @throws RequestIdReused when the id came before with another request.
 */
export async function once<I extends DescMessage, O extends DescMessage>(
  tx: Transaction,
  { principal, method, request, kept }: RepeatableRequest<I, O>,
  work: () => Promise<MessageInitShape<O>>,
): Promise<MessageShape<O>> {
  const { requestId } = request;
  if (requestId === '') return create(method.output, await work());
  if (!requestIdForm.test(requestId))
    throw new InvalidRequest([
      {
        field: 'request_id',
        description: `found "${requestId.slice(0, 80)}"; allowed are 1 to 128 printable ASCII characters`,
      },
    ]);
  const key = { tenant: principal.tenant ?? '', method: method.name, requestId };
  const fingerprint = createHash('sha256')
    .update(canonicalJson([principal.project ?? '', toJson(method.input, request)]))
    .digest();
  const before = await takeRequestId(tx, key);
  if (before !== undefined) {
    if (!before.fingerprint.equals(fingerprint)) throw new RequestIdReused({ requestId });
    return fromBinary(method.output, before.response);
  }
  const answer = create(method.output, await work());
  const response = toBinary(method.output, kept === undefined ? answer : kept(answer));
  tx.last(keepAnswer(tx, key, { fingerprint, response }));
  return answer;
}
