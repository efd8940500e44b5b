import { Client, credentials } from '@grpc/grpc-js';

/**
 * Ends with 0 when the process answers that it serves.
 *   node healthcheck.mjs HOST:PORT           gRPC health (grpc.health.v1)
 *   node healthcheck.mjs --tls HOST:PORT     the same over TLS; whose certificate it is does not matter on loopback
 *   node healthcheck.mjs http://…/readyz     any URL that answers 2xx
 */
const patienceMs = 4000;

async function overHttp(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}

function overGrpc(address, tls) {
  const channel = tls
    ? credentials.createSsl(null, null, null, { rejectUnauthorized: false })
    : credentials.createInsecure();
  const client = new Client(address, channel);
  const same = (bytes) => bytes;
  const method = '/grpc.health.v1.Health/Check';
  const deadline = Date.now() + patienceMs;
  return new Promise((resolve, reject) => {
    // An empty HealthCheckRequest asks for the whole server; SERVING is the answer {status: 1}, on the wire 08 01.
    client.makeUnaryRequest(method, same, same, Buffer.alloc(0), { deadline }, (error, answer) => {
      client.close();
      if (error) reject(error);
      else if (answer[0] === 8 && answer[1] === 1) resolve();
      else reject(new Error('it does not serve'));
    });
  });
}

const args = process.argv.slice(2);
const target = args.at(-1) ?? '';
try {
  if (/^https?:/.test(target)) await overHttp(target);
  else await overGrpc(target, args[0] === '--tls');
} catch (error) {
  console.error(`${target}: ${error.message}`);
  process.exit(1);
}
