/**
 * A server that prefers clusters by what a core costs there just now: the cheapest gets 1000 points, one of twice its price
 * 500, one without a price none. Prices are read from a file (`{ "frankfurt": 0.031, … }`) whenever it has changed.
 *
 *   node server.mjs [--listen 127.0.0.1:7300] [--prices prices.json] [--proto placement_plugin.proto]
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPackageDefinition, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:7300' },
    prices: { type: 'string', default: join(here, 'prices.json') },
    proto: { type: 'string', default: join(here, '../../../proto/berth/plugin/v1/placement_plugin.proto') },
  },
});

let read = { changedAt: -1, prices: new Map() };

function currentPrices() {
  const changedAt = statSync(values.prices).mtimeMs;
  if (changedAt !== read.changedAt)
    read = { changedAt, prices: new Map(Object.entries(JSON.parse(readFileSync(values.prices, 'utf8')))) };
  return read.prices;
}

function consult({ request: { clusters, groups } }, reply) {
  try {
    const known = currentPrices();
    const prices = clusters
      .map(({ id }) => known.get(id))
      .map((price) => (price > 0 ? price : Number.POSITIVE_INFINITY));
    const cheapest = Math.min(...prices.filter(Number.isFinite));
    const scores = prices.map((price) => (Number.isFinite(price) ? Math.floor((1000 * cheapest) / price) : 0));
    // Prices are the same for every group.
    reply(null, { version: '1.0.0', answers: groups.map(() => ({ scores })) });
  } catch (error) {
    reply({ code: status.INTERNAL, details: error.message });
  }
}

const { berth } = loadPackageDefinition(loadSync(values.proto, { keepCase: false }));
// A fleet of thousands of clusters is a question of some megabytes.
const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 });
server.addService(berth.plugin.v1.PlacementPluginService.service, { Consult: consult });
server.bindAsync(values.listen, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`spot-prices listens on ${values.listen.replace(/:\d+$/, `:${port}`)}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.forceShutdown());
