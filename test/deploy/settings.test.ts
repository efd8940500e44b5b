import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { readCompose, root } from './compose-file.js';

const apps = ['migrate', 'gateway', 'scheduler', 'hub', 'agent'] as const;
const guide = readFileSync(join(root, 'docs/operating.md'), 'utf8');

/** What the app's config.ts parses: the keys of its defineConfig. */
function readBy(app: string): string[] {
  const text = readFileSync(join(root, 'apps', app, 'config.ts'), 'utf8');
  const shape = text.slice(text.indexOf('defineConfig({'));
  return [...shape.slice(0, shape.indexOf('\n});')).matchAll(/^ {2}([A-Z][A-Z_]+):/gm)].map(([, name = '']) => name);
}

/** The first column of the app's table. */
function documented(app: string): string[] {
  const [, section = ''] = guide.split(`\n### ${app}\n`);
  return [...(section.split('\n### ')[0] ?? '').matchAll(/^\| ([A-Z][A-Z_]+) \|/gm)].map(([, name = '']) => name);
}

describe('docs/operating.md', () => {
  it.each(apps)('lists the settings that %s reads, no fewer and no others', (app) => {
    expect(readBy(app).length).toBeGreaterThan(3);
    expect(documented(app).sort()).toEqual(readBy(app).sort());
  });
});

describe('docker-compose.yml', () => {
  const required = [
    'POSTGRES_PASSWORD',
    'GATEWAY_PASSWORD',
    'SCHEDULER_PASSWORD',
    'HUB_PASSWORD',
    'HUB_PUBLIC_ADDRESS',
  ];
  const file = readCompose(Object.fromEntries(required.map((name) => [`BERTH_${name}`, 'x'])));

  it.each(apps.filter((app) => app !== 'agent'))('gives %s settings that it reads', (app) => {
    const given = Object.keys(file.services[app]?.environment ?? {});
    expect(given.length).toBeGreaterThan(2);
    expect(readBy(app)).toEqual(expect.arrayContaining(given));
  });

  it('keeps passwords out of the file and the database off the network', () => {
    expect(readFileSync(join(root, 'docker-compose.yml'), 'utf8')).not.toMatch(/PASSWORD: (?!\$\{)/);
    expect(file.services.postgres?.ports).toBeUndefined();
  });
});

describe('docs/dependencies.md', () => {
  const text = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  const dependencies: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies };
  const named = [...text.matchAll(/^\| ([^|]+) \| \d/gm)].flatMap(([, names = '']) => names.split(', '));

  it('has a line for each package, with the version in use, and for no other', () => {
    expect(named.sort()).toEqual(Object.keys(dependencies).sort());
    for (const [name, version] of Object.entries(dependencies))
      expect(
        text.split('\n').find((line) => line.startsWith('| ') && line.split(' | ')[0]?.includes(name)),
        name,
      ).toContain(version);
  });
});
