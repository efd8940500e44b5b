/** An error by what it says, with what its causes say beyond that, and without stacks. */
export function briefError(error: Error): { type: string; message: string } {
  let { message } = error;
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    if (!message.includes(cause.message)) message += `: ${cause.message}`;
  return { type: error.name, message };
}
