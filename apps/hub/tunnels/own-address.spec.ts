import { expect, it } from 'vitest';
import { addressOf } from './own-address.js';

it.each([
  [
    'as configured',
    { internalAddress: 'hub-2.internal:7443', publicAddresses: ['hub.example:443'] },
    'hub-2.internal:7443',
  ],
  ['the first public address', { publicAddresses: ['hub.example:443', 'other'] }, 'hub.example:443'],
  ['a public host with its own port', { publicAddresses: ['hub.example'] }, 'hub.example:7443'],
  ['loopback when it listens everywhere', { publicAddresses: [] }, '127.0.0.1:7443'],
])('is reached by gateways at %s', (_, config, wanted) => {
  expect(addressOf({ internalAddress: undefined, ...config }, '0.0.0.0:7443')).toBe(wanted);
});

it('is reached where it listens', () => {
  const config = { internalAddress: undefined, publicAddresses: [] };
  expect(addressOf(config, '10.0.0.7:7443')).toBe('10.0.0.7:7443');
});
