import type { Store, StorePrincipal, Transaction } from '#store';

/** Ends a transaction that must not commit. */
class RolledBack extends Error {}

/**
 * Runs a mutation; with `validateOnly` everything is checked and done, and then taken back: the answer is what would
 * have been.
 */
export async function mutate<T>(
  store: Store,
  principal: StorePrincipal,
  validateOnly: boolean,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  if (!validateOnly) return await store.unitOfWork.run(principal, work);
  let answer: { value: T } | undefined;
  try {
    await store.unitOfWork.run(principal, async (tx) => {
      answer = { value: await work(tx) };
      throw new RolledBack('rolled back as asked');
    });
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
  }
  if (answer === undefined) throw new Error('a dry run ended without an answer');
  return answer.value;
}
