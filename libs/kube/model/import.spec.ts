import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ApplicationSpec, type Component, DomainError, InvalidRequest, linkGroups, NotBuilt } from '#domain';
import { checkSpec } from './check.js';
import { importManifests } from './import.js';
import { parseManifests } from './manifests.js';
import { aFile } from './manifests.suite.js';
import { expectedOf, renderAll } from './round-trip.suite.js';

const imported = (text: string): ApplicationSpec => importManifests(parseManifests(text));

/** What an import is refused with: the error's fields, or the spec that it should not have become. */
function refusalOf(text: string): string[] {
  try {
    return [JSON.stringify(imported(text))];
  } catch (error) {
    if (error instanceof InvalidRequest || error instanceof NotBuilt)
      return error.fieldViolations.map(({ field, description }) => `${field}: ${description}`);
    throw error;
  }
}

function deployment(name: string, { pod = '', container = '', spec = '', metadata = '' } = {}): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}${metadata} }
spec:
  selector: { matchLabels: { app: ${name} } }${spec}
  template:
    metadata: { labels: { app: ${name} } }
    spec:${pod}
      containers:
        - name: main
          image: example.org/${name}:1${container}
`;
}
const service = (name: string, app = name): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${app} }, ports: [{ port: 80 }] }
`;
const file = (...documents: string[]): string => documents.join('---');
const linksOf = (spec: ApplicationSpec) =>
  Object.fromEntries(spec.components.map(({ name, links }): [string, string[]] => [name, links]));
const componentOf = (spec: ApplicationSpec, name: string): Component | undefined =>
  spec.components.find((each) => each.name === name);

describe('importManifests', () => {
  it('loses no field on the way to render', () => {
    fc.assert(
      fc.property(aFile, (objects) => {
        const spec = importManifests(objects);
        expect(renderAll(spec)).toEqual(expectedOf(objects));
        expect(() => checkSpec(spec)).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });

  it('refuses anything else with an error that names it', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.json(),
      fc.tuple(aFile, fc.string(), fc.nat()).map(([objects, text, at]) => {
        const whole = objects.map((object) => JSON.stringify(object)).join('\n---\n');
        return whole.slice(0, at % whole.length) + text + whole.slice((at % whole.length) + text.length);
      }),
      fc
        .record({
          apiVersion: fc.constantFrom('apps/v1', 'batch/v1', 'v1', 'policy/v1'),
          kind: fc.constantFrom(
            'Deployment',
            'Job',
            'CronJob',
            'Service',
            'ConfigMap',
            'RoleBinding',
            'Ingress',
            'Pod',
          ),
          metadata: fc.record({ name: fc.constantFrom('a', 'b', '', 'A B'), labels: fc.jsonValue() }),
          spec: fc.oneof(
            fc.jsonValue(),
            fc.record({
              selector: fc.jsonValue(),
              template: fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue() }),
            }),
            fc.record({
              template: fc.record({
                spec: fc.record({ containers: fc.array(fc.jsonValue()), volumes: fc.jsonValue() }),
              }),
            }),
          ),
        })
        .map((object) => JSON.stringify(object)),
    );
    fc.assert(
      fc.property(anything, (text) => {
        try {
          const spec = imported(text);
          checkSpec(spec);
          renderAll(spec);
        } catch (error) {
          expect(error).toBeInstanceOf(DomainError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('links a component to the Services that its variables, arguments and settings name', () => {
    const spec = imported(
      file(
        deployment('web', {
          container: `
          args: ["--api=http://api/v1", "plain words about mail"]
          env: [{ name: CART, value: "cart:7070" }, { name: EXTERNAL, value: "https://mail.example.com" }]
          envFrom: [{ configMapRef: { name: settings } }]`,
        }),
        ...['api', 'cart', 'queue', 'mail', 'db'].map((name) => deployment(name)),
        ...['api', 'cart', 'queue', 'mail', 'db', 'web'].map((name) => service(name)),
        '\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { Q: "amqp://queue.default.svc/x", D: "u@db" }\n',
      ),
    );
    expect(linksOf(spec).web).toEqual(['cart', 'api', 'queue', 'db']);
    expect(linkGroups(spec)).toHaveLength(2);
  });

  it('gives a shared object to the first that uses it and links the others to it', () => {
    const account = { pod: '\n      serviceAccountName: shared' };
    const spec = imported(
      file(
        deployment('other'),
        deployment('one', account),
        deployment('two', account),
        '\napiVersion: v1\nkind: ServiceAccount\nmetadata: { name: shared }\n',
      ),
    );
    expect(componentOf(spec, 'one')?.objects).toHaveLength(1);
    expect(linksOf(spec)).toEqual({ other: [], one: [], two: ['one'] });
  });

  it('keeps a list of variables whole and in order when one of them comes from elsewhere', () => {
    const env = `
          env:
            - { name: FIRST, value: "1" }
            - { name: NODE, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }
            - { name: BOTH, value: "$(FIRST)-$(NODE)" }`;
    const container = componentOf(imported(deployment('web', { container: env })), 'web')?.containers[0];
    expect(container?.env).toEqual([]);
    expect(container?.extra.env).toHaveLength(3);
  });

  it('reads YAML as kubectl does: octal modes, merge keys, dates as texts', () => {
    const text = deployment('web', {
      pod: '\n      volumes: [{ name: v, emptyDir: {}, x: 0644, d: 2001-01-01, t: 12:30:45 }]',
    });
    expect(componentOf(imported(text), 'web')?.workloadExtra.podSpec.volumes).toEqual([
      { name: 'v', emptyDir: {}, x: 0o644, d: '2001-01-01', t: '12:30:45' },
    ]);
  });
});

describe('what importManifests refuses', () => {
  const refused: [string, string, string][] = [
    ['a text that is no YAML', 'a: b: c', 'manifests[0]: line 1'],
    ['a key that is there twice', 'a: 1\nb: 2\na: 3', 'manifests[0]: line 3: "a" is there twice'],
    ['nothing', '---\n---\n', 'manifests: found no object'],
    ['an object without a kind', 'apiVersion: v1\nmetadata: {name: a}', 'manifests[0].kind: found nothing'],
    ['no workload', service('web'), 'manifests: found no workload; at least one is needed: apps/v1/Deployment'],
    [
      'a namespace',
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: a}',
      'manifests[0].kind: found v1 Namespace "a"; allowed are Deployment',
    ],
    [
      'a kind of the whole cluster',
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}',
      'manifests[0].kind',
    ],
    [
      'two namespaces',
      file(deployment('a', { metadata: ', namespace: x' }), deployment('b', { metadata: ', namespace: y' })),
      'manifests[1].metadata.namespace: found "y"',
    ],
    [
      'the same object twice',
      file(deployment('a'), deployment('a')),
      'manifests[1].metadata.name: Deployment "a" is also manifests[0]',
    ],
    [
      'a workload without template',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {}',
      'manifests[0].spec.template: found no object',
    ],
    [
      'negative replicas',
      deployment('a', { spec: '\n  replicas: -1' }),
      'manifests[0].spec.replicas: found -1; must be 0 to 10000',
    ],
    [
      'replicas as a text',
      deployment('a', { spec: '\n  replicas: "3"' }),
      'manifests[0].spec.replicas: found "3"; allowed is a whole number',
    ],
    [
      'an image with spaces',
      deployment('a').replace('image: example.org/a:1', 'image: "a b"'),
      'manifests[0].spec.template.spec.containers[0].image: found "a b"',
    ],
    [
      'a variable that is no text',
      deployment('a', { container: '\n          env: [{ name: A, value: yes }]' }),
      'manifests[0].spec.template.spec.containers[0].env[0].value: found true; allowed is a text, so put it in quotes',
    ],
    [
      'a quantity that is none',
      deployment('a', { container: '\n          resources: { requests: { cpu: lots } }' }),
      'manifests[0].spec.template.spec.containers[0].resources.requests.cpu: "lots" is not a quantity',
    ],
    [
      'a selector on labels of Berth',
      deployment('a').replace('{ app: a } }', '{ berth.dev/work: a } }'),
      'manifests[0].spec.selector.matchLabels: found "berth.dev/work"',
    ],
    [
      'a Secret',
      file(deployment('a'), '\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n'),
      'manifests[1]: found Secret "s". Secrets are not there yet',
    ],
    [
      'a variable from a Secret',
      deployment('a', {
        container: '\n          env: [{ name: A, valueFrom: { secretKeyRef: { name: s, key: k } } }]',
      }),
      'manifests[0].spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef: Secrets',
    ],
    [
      'variables from a Secret',
      deployment('a', { container: '\n          envFrom: [{ secretRef: { name: s } }]' }),
      'manifests[0].spec.template.spec.containers[0].envFrom[0].secretRef: Secrets',
    ],
    [
      'a volume of a Secret',
      deployment('a', { pod: '\n      volumes: [{ name: v, secret: { secretName: s } }]' }),
      'manifests[0].spec.template.spec.volumes[0].secret: Secrets',
    ],
    [
      'pull secrets',
      deployment('a', { pod: '\n      imagePullSecrets: [{ name: s }]' }),
      'manifests[0].spec.template.spec.imagePullSecrets: Secrets',
    ],
    [
      'aliases that multiply',
      `a: &a [${'x,'.repeat(9)}]\n${'bcdefghij'
        .split('')
        .map((key, at) => `${key}: &${key} [${`*${'abcdefghi'[at]},`.repeat(9)}]`)
        .join('\n')}`,
      'manifests[0]: aliases',
    ],
    ['more than 2 MiB', `# ${'x'.repeat(2 ** 21)}`, 'manifests: found 2097154 bytes; allowed are at most 2097152'],
    ['lists without end', '['.repeat(2_000_000), 'manifests: is nested deeper than 64'],
    ['lists in lists in one line', '- '.repeat(1_000_000), 'manifests: is nested deeper than 64'],
    [
      'keys in keys',
      Array.from({ length: 1400 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      'manifests: is indented by more than 256',
    ],
    [
      'anchors without end',
      Array.from({ length: 30_000 }, (_, at) => `a${at}: &a${at} x\nb${at}: *a${at}`).join('\n'),
      'manifests: found more than 100 anchors and aliases',
    ],
    ['values without end', 'a\n---\n'.repeat(300_000), 'manifests: found more than 300000 parts'],
    ['objects in objects without end', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`, 'manifests[0].a.a'],
  ];

  it.each(refused)('%s', (_, text, expected) => {
    expect(refusalOf(text)[0]).toContain(expected);
  });
});
