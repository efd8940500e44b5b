import type { Server } from 'node:http';

/** Resolves when the server listens; rejects with the system's error (EADDRINUSE, EACCES …). */
export const listen = (server: Server, at: { host: string; port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });

/** host:port as bound, IPv6 in brackets. */
export const addressOf = (server: Server): string => {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server does not listen on TCP');
  return `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
};

/** Stops accepting, lets calls in flight end within `drainMs`, then cuts what is left. */
export const closeHttp = (server: Server, drainMs: number): Promise<void> =>
  new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), drainMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
