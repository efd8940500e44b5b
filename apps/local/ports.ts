import { connect } from 'node:net';

/** Where everything in one process listens. */
export const host = '127.0.0.1';

/** Ports of the gateway's gRPC and JSON and of the hub; 0 lets the system choose. */
export interface Ports {
  grpc: number;
  http: number;
  hub: number;
}

export const systemsChoice: Ports = { grpc: 0, http: 0, hub: 0 };

/** The ports that Berth's parts take by themselves, and that the CLI expects. */
export const usualPorts: Ports = { grpc: 7070, http: 7071, hub: 7443 };

/** Asks rather than tries: two that look at the same moment must not be in each other's way. */
const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const settle = (free: boolean) => {
      socket.destroy();
      resolve(free);
    };
    socket.once('connect', () => settle(false));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(true));
  });

/** Whether nobody answers at any of them. Port 0 is always free. */
export async function areFree({ grpc, http, hub }: Ports): Promise<boolean> {
  return (await Promise.all([grpc, http, hub].map((port) => port === 0 || isFree(port)))).every((free) => free);
}
