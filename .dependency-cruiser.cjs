/** The walls of the house (DESIGN §4): imports go down only. */
const lib = (name) => `^libs/${name}/`;
const deny = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });
const adapters = '(store|queue|kube|contract)';

module.exports = {
  forbidden: [
    deny('no-cycles', {}, { circular: true }, 'A cycle means that two files have one reason to exist.'),
    deny(
      'domain-is-pure',
      { path: lib('domain'), pathNot: '\\.spec\\.ts$' },
      { path: '^(libs/(?!domain/)|apps/)|node:(fs|net|http|https|child_process|timers)|node_modules/(?!zod/)' },
      'The domain knows nothing outside, but zod (ADR 7).',
    ),
    deny(
      'placement-is-pure',
      { path: lib('placement'), pathNot: '\\.spec\\.ts$' },
      { path: '^(libs/(?!placement/|domain/)|apps/)|node:(fs|net|http|https|child_process|timers)|node_modules' },
      'The engine has no I/O.',
    ),
    deny(
      'adapters-import-domain-only',
      { path: `^libs/${adapters}/`, pathNot: '\\.(spec|suite)\\.ts$' },
      { path: '^(libs/|apps/)', pathNot: ['^libs/domain/', '^libs/$1/'] },
      'Adapters speak the domain, not each other.',
    ),
    deny('libs-never-import-apps', { path: '^libs/' }, { path: '^apps/' }, 'Imports go down only.'),
    deny(
      'apps-do-not-import-apps',
      { path: '^apps/([^/]+)/', pathNot: '^apps/local/' },
      { path: '^apps/', pathNot: '^apps/$1/' },
      'Only apps/local composes apps.',
    ),
    deny(
      'agent-knows-no-store',
      { path: '^apps/(agent|cli)/' },
      { path: '^libs/(store|queue|decision)/' },
      'The agent and the CLI know the hub and the gateway only.',
    ),
    deny(
      'cli-uses-the-public-api',
      { path: '^apps/cli/' },
      { path: '^libs/(placement|hollow)/' },
      'The CLI speaks the public API only.',
    ),
    deny(
      'not-to-test',
      { path: '^(apps|libs)/', pathNot: '\\.(spec|suite)\\.ts$' },
      { path: '(^test/|\\.(spec|suite)\\.ts$)' },
      'Product code does not import tests.',
    ),
    deny('resolvable', {}, { couldNotResolve: true }, 'Every import resolves.'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    // TypeScript 7 has no parser that others can call; swc reads the same files.
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['berth-source', 'import', 'node', 'default', 'types'],
    },
  },
};
