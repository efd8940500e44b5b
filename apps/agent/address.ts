import { StartupError } from '#platform/light';

const form = /^\[?([^\]]+?)\]?:(\d{1,5})$/;

/** host:port, IPv6 in brackets. */
export function splitAddress(address: string): { host: string; port: number } {
  const match = form.exec(address);
  if (match?.[1] === undefined) throw new StartupError(`BERTH_HUB is "${address}"; allowed: host:port`);
  return { host: match[1], port: Number(match[2]) };
}
