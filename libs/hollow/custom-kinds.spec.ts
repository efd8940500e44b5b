import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Caller, eventually, hollow, mergePatch } from './member.suite.js';
import type { Fields } from './objects.js';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

const specSchema = {
  type: 'object',
  required: ['size'],
  properties: {
    size: { type: 'integer', minimum: 1 },
    mode: { type: 'string', enum: ['fast', 'safe'], default: 'safe' },
    users: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: { type: 'object', properties: { name: { type: 'string' }, role: { type: 'string' } } },
    },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
  },
};
const status = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

describe('custom kinds of a hollow cluster', () => {
  let cluster: Caller;
  let group: string;
  let made = 0;
  beforeAll(async () => {
    cluster = await hollow();
  });
  afterAll(() => cluster.cluster.close());

  const name = () => `databases.${group}`;
  const definition = (schema: object = { type: 'object', properties: { spec: specSchema, status } }): Fields => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: name() },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Database', plural: 'databases', shortNames: ['db'] },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          subresources: { status: {} },
          schema: { openAPIV3Schema: schema },
        },
      ],
    },
  });
  const path = (object = 'main') => `/apis/${group}/v1/namespaces/default/databases/${object}`;
  const database = (spec: object, object = 'main') => ({
    apiVersion: `${group}/v1`,
    kind: 'Database',
    metadata: { name: object },
    spec,
  });
  const specOf = ({ body }: Answer) => body.spec as unknown as Fields;
  const established = () =>
    eventually(async () => {
      const { conditions = [] } = (await cluster.get(`${definitions}/${name()}`)).body.status;
      return conditions.some(({ type, status: is }) => type === 'Established' && is === 'True') ? true : undefined;
    });
  beforeEach(async () => {
    made += 1;
    group = `spec${made}.example.org`;
    await cluster.call('POST', definitions, definition());
    await established();
  });

  it('are found in discovery and OpenAPI, until their definition goes', async () => {
    const { body } = await cluster.get(`/apis/${group}/v1`);
    expect(body).toMatchObject({
      resources: [{ name: 'databases', kind: 'Database', shortNames: ['db'] }, { name: 'databases/status' }],
    });
    const groups = async () => (await cluster.get('/apis')).body.groups.map((each) => each.name);
    expect(await groups()).toContain(group);
    const definitionOf = `org.example.spec${made}.v1.Database`;
    const { components } = (await cluster.get(`/openapi/v3/apis/${group}/v1`)).body;
    expect(components.schemas[definitionOf]).toMatchObject({ properties: { spec: { required: ['size'] } } });
    expect((await cluster.get('/openapi/v2')).body.definitions[definitionOf]).toBeDefined();
    await cluster.call('DELETE', `${definitions}/${name()}`);
    await eventually(async () => ((await groups()).includes(group) ? undefined : true));
    expect((await cluster.get(path())).code).toBe(404);
  });

  it('are pruned, defaulted and checked by their schema', async () => {
    const given = { size: 2, extra: 1, free: { any: { thing: [1] } } };
    const made201 = await cluster.call('POST', path('').slice(0, -1), database(given));
    expect(specOf(made201)).toEqual({ size: 2, mode: 'safe', free: { any: { thing: [1] } } });
    for (const [wrong, field] of [
      [{ size: 'two' }, 'spec.size'],
      [{ size: 0 }, 'spec.size'],
      [{ size: 1, mode: 'slow' }, 'spec.mode'],
      [{}, 'spec.size'],
    ] as const) {
      const { code, body } = await cluster.call('PUT', path(), database(wrong));
      expect([code, body.details.causes.map((cause) => cause.field)]).toEqual([422, [field]]);
    }
  });

  it('merge lists by their keys in server-side apply, and refuse what another owns', async () => {
    await cluster.apply(path(), database({ size: 1, users: [{ name: 'a', role: 'r' }], free: { x: 1 } }));
    const other = await cluster.apply(path(), database({ size: 1, users: [{ name: 'b' }], free: { y: 2 } }), 'other');
    expect(specOf(other).users).toEqual([{ name: 'a', role: 'r' }, { name: 'b' }]);
    expect(specOf(other).free).toEqual({ x: 1, y: 2 });
    const clash = await cluster.apply(path(), database({ size: 1, users: [{ name: 'a', role: 'w' }] }), 'other');
    expect(clash.body.details.causes.map(({ field }) => field)).toEqual(['.spec.users[name="a"].role']);
    const unknown = await cluster.apply(path(), database({ size: 1, extra: 1 }));
    expect([unknown.code, unknown.body.message]).toEqual([
      500,
      expect.stringContaining('.spec.extra: field not declared in schema'),
    ]);
  });

  it('have a status that only its own endpoint writes, and generations of the rest', async () => {
    const first = await cluster.apply(path(), { ...database({ size: 1 }), status: { members: 9 } });
    expect([first.body.status, first.body.metadata.generation]).toEqual([undefined, 1]);
    await cluster.call('PATCH', `${path()}/status`, { status: { members: 3 }, spec: { size: 7 } }, mergePatch);
    const { body } = await cluster.call('PATCH', path(), { spec: { size: 2 }, status: { members: 0 } }, mergePatch);
    expect([body.status, body.metadata.generation]).toEqual([{ members: 3 }, 2]);
    expect(specOf({ code: 200, body }).size).toBe(2);
  });

  it('lose their objects with their definition, which waits for them; a watch sees it and ends', async () => {
    const held = { ...database({ size: 1 }), metadata: { name: 'held', finalizers: ['example.org/hold'] } };
    await cluster.call('POST', path('').slice(0, -1), held);
    await cluster.apply(path(), database({ size: 1 }));
    const { resourceVersion } = (await cluster.get(path())).body.metadata;
    const watching = cluster.watch(
      `/apis/${group}/v1/databases?watch=true&resourceVersion=${resourceVersion}`,
      () => false,
    );
    await cluster.call('DELETE', `${definitions}/${name()}`);
    await eventually(async () => ((await cluster.get(path())).code === 404 ? true : undefined));
    expect((await cluster.get(`${definitions}/${name()}`)).body.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Terminating', status: 'True' }),
    );
    await cluster.call('PATCH', path('held'), { metadata: { finalizers: null } }, mergePatch);
    await eventually(async () => ((await cluster.get(`${definitions}/${name()}`)).code === 404 ? true : undefined));
    const gone = (await watching).filter(({ type }) => type === 'DELETED').map(({ object }) => object.metadata.name);
    expect(gone).toEqual(['main', 'held']);
  });

  it('go with their namespace, and by a changed schema', async () => {
    await cluster.call('POST', '/api/v1/namespaces', { metadata: { name: `home${made}` } });
    const away = `/apis/${group}/v1/namespaces/home${made}/databases/main`;
    expect((await cluster.apply(away, database({ size: 1 }))).code).toBe(201);
    await cluster.call('DELETE', `/api/v1/namespaces/home${made}`);
    await eventually(async () =>
      (await cluster.get(`/api/v1/namespaces/home${made}`)).code === 404 ? true : undefined,
    );
    expect((await cluster.get(away)).code).toBe(404);
    await cluster.apply(path(), database({ size: 1 }));
    const wider = {
      type: 'object',
      properties: { spec: { ...specSchema, properties: { ...specSchema.properties, more: { type: 'string' } } } },
    };
    await cluster.apply(`${definitions}/${name()}`, definition(wider), 'berth', '&force=true');
    const seen = await eventually(async () => {
      const answer = await cluster.apply(path(), database({ size: 1, more: 'x' }), 'berth', '&force=true');
      return answer.code === 500 ? undefined : answer;
    });
    expect(specOf(seen).more).toBe('x');
  });

  it('wait for a name that another has', async () => {
    const taken: Fields = { ...definition(), metadata: { name: `stores.${group}` } };
    const spec = { ...(taken.spec as Fields), names: { kind: 'Database', plural: 'stores' } };
    await cluster.call('POST', definitions, { ...taken, spec });
    const accepted = async () => {
      const { conditions = [] } = (await cluster.get(`${definitions}/stores.${group}`)).body.status;
      return conditions.find(({ type }) => type === 'NamesAccepted')?.status;
    };
    expect(await eventually(accepted)).toBe('False');
    await cluster.call('DELETE', `${definitions}/${name()}`);
    await eventually(async () => ((await accepted()) === 'True' ? true : undefined));
  });

  it.each([
    ['no type at its root', {}],
    ['a field without a type', { type: 'object', properties: { spec: {} } }],
    [
      'a keyed list without keys',
      { type: 'object', properties: { a: { type: 'array', 'x-kubernetes-list-type': 'map' } } },
    ],
  ])('are refused with %s', async (_, schema) => {
    group = `bad${made}.example.org`;
    expect((await cluster.call('POST', definitions, definition(schema))).code).toBe(422);
  });
});
