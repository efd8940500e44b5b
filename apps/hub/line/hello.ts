import type { line } from '#contract';

/** Told to operators: nothing that a terminal would take for more than text. */
const plain = (text: string): string => text.replaceAll(/[^\w.:-]/g, '').slice(0, 64);

/** Empty: the agent does not say. */
export const instanceIdOf = ({ instanceId }: line.Hello): string => plain(instanceId);
export const hostNameOf = ({ hostName }: line.Hello): string => plain(hostName);
