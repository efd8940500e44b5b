import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type LocalBerth, startLocalBerth } from './berth.js';
import { startLocalDatabase } from './database.js';
import { host, type Ports } from './ports.js';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

const listening = (): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, host, () => resolve(server));
  });

/** Three that nobody has just now. */
async function freePorts(): Promise<Ports> {
  const servers = await Promise.all([listening(), listening(), listening()]);
  const [grpc = 0, http = 0, hub = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return { grpc, http, hub };
}

const addressesOf = ({ gateway, hub }: LocalBerth) => [gateway.address, gateway.httpAddress, hub.address];

it('takes the ports that it is told while they are free; two at the same moment do not collide', async () => {
  const ports = await freePorts();
  const databases = await Promise.all([startLocalDatabase(), startLocalDatabase()]);
  const both = await Promise.all(databases.map((database) => startLocalBerth({ database, ports })));
  opened.push(...both);
  const told = [ports.grpc, ports.http, ports.hub].map((port) => `${host}:${port}`);
  const [first = [], second = []] = both.map(addressesOf).sort((a) => (a[0] === told[0] ? -1 : 1));
  expect(first).toEqual(told);
  expect(second.filter((address) => told.includes(address))).toEqual([]);
});

it('leaves all of them alone when one is in use', async () => {
  const ports = await freePorts();
  const occupied = createServer();
  opened.push(occupied);
  await new Promise<void>((done) => occupied.listen(ports.http, host, done));
  const berth = await startLocalBerth({ ports });
  opened.push(berth);
  const taken = addressesOf(berth).map((address) => Number(address.split(':')[1]));
  expect(taken.filter((port) => Object.values(ports).includes(port))).toEqual([]);
});
