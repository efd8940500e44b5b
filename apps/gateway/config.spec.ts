import { describe, expect, it } from 'vitest';
import { gatewayConfig } from './config.js';

const right = { BERTH_DATABASE_URL: 'postgres://berth_gateway:pw@db/berth' };

describe('the gateway’s configuration', () => {
  it('has usual addresses', () => {
    const { config } = gatewayConfig(right);
    expect(config.grpc).toEqual({ host: '127.0.0.1', port: 7070 });
    expect(config.http).toEqual({ host: '127.0.0.1', port: 7071 });
    expect(config.bootstrap).toEqual({ operatorKey: undefined, ownerKey: undefined });
  });

  it('reads first keys that are brought along', () => {
    const text = `berth_op1_${'s'.repeat(43)}`;
    const { config } = gatewayConfig({ ...right, BERTH_BOOTSTRAP_OPERATOR_KEY: text });
    expect(config.bootstrap.operatorKey).toEqual({ keyId: 'op1', secret: 's'.repeat(43) });
  });

  it('names each wrong value and never shows a key', () => {
    const wrong = { BERTH_GATEWAY_ADDRESS: 'nowhere', BERTH_BOOTSTRAP_OWNER_KEY: 'hunter2' };
    const reading = () => gatewayConfig(wrong);
    expect(reading).toThrow(/BERTH_DATABASE_URL is not set/);
    expect(reading).toThrow(/BERTH_GATEWAY_ADDRESS is "nowhere"; allowed: host:port/);
    expect(reading).not.toThrow(/hunter2/);
  });
});
