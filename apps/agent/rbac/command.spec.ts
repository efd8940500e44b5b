import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { agentRules, type RoleRule, usualDuties } from '#kube';
import { RbacUsageError, rbacText } from './command.js';

interface Rbac {
  kind: string;
  rules?: RoleRule[];
}

const documents = (text: string): Rbac[] => parseAllDocuments(text).map((document): Rbac => document.toJS());
const noFile = (file: string) => Promise.reject(new Error(`${file} is not read`));
const roleOf = async (args: string[], files: Record<string, string> = {}) => {
  const text = await rbacText(args, async (file) => files[file] ?? noFile(file));
  return documents(text).find(({ kind }) => kind === 'ClusterRole')?.rules ?? [];
};
/** Whether the rules allow this; a resource may be named by `*`. */
const allows = (rules: readonly RoleRule[], verb: string, group: string, resource: string): boolean =>
  rules.some(
    (rule) =>
      rule.verbs.includes(verb) &&
      [group, '*'].some((each) => rule.apiGroups.includes(each)) &&
      [resource, '*'].some((each) => rule.resources.includes(each)),
  );

describe('berth-agent rbac', () => {
  it('is what deploy/agent.yaml holds, for the usual duties', async () => {
    const deployed = documents(await readFile(join(import.meta.dirname, '../../../deploy/agent.yaml'), 'utf8'));
    const printed = documents(await rbacText([], noFile));
    expect(printed.map(({ kind }) => kind)).toEqual([
      'Namespace',
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
    ]);
    expect(deployed.slice(0, printed.length)).toEqual(printed);
  });

  it('lets the agent write what it is asked to, and watch what Berth renders', async () => {
    const rules = await roleOf(['--kind', 'apps/v1/Deployment', '--kind', 'v1/Service']);
    for (const verb of ['get', 'create', 'patch', 'delete']) {
      expect(allows(rules, verb, 'apps', 'deployments')).toBe(true);
      expect(allows(rules, verb, 'apps', 'statefulsets'), verb).toBe(false);
      expect(allows(rules, verb, '', 'configmaps'), verb).toBe(false);
    }
    expect(allows(rules, 'watch', 'apps', 'statefulsets')).toBe(true);
    expect(allows(rules, 'patch', '', 'namespaces')).toBe(true);
    for (const verb of ['update', 'deletecollection', 'bind', 'escalate', 'impersonate', '*'])
      expect(
        rules.some(({ verbs }) => verbs.includes(verb)),
        verb,
      ).toBe(false);
  });

  it('reads kinds from manifests, custom ones too', async () => {
    const yaml = 'apiVersion: cert-manager.io/v1\nkind: Certificate\n---\napiVersion: v1\nkind: ConfigMap\n---\n';
    const rules = await roleOf(['--from', 'app.yaml', '--kind', 'e.test/v1/Chassis=chassis'], { 'app.yaml': yaml });
    expect(allows(rules, 'patch', 'cert-manager.io', 'certificates')).toBe(true);
    expect(allows(rules, 'watch', 'cert-manager.io', 'certificates')).toBe(true);
    expect(allows(rules, 'patch', 'e.test', 'chassis')).toBe(true);
    expect(allows(rules, 'patch', '', 'configmaps')).toBe(true);
    expect(allows(rules, 'patch', '', 'services')).toBe(false);
  });

  it('reads kinds from an application in Berth’s own form', async () => {
    const file = join(import.meta.dirname, '../../../examples/harbour-shop/app.yaml');
    const rules = await roleOf(['--from', 'app.yaml'], { 'app.yaml': await readFile(file, 'utf8') });
    expect(allows(rules, 'patch', 'apps', 'deployments')).toBe(true);
    expect(allows(rules, 'patch', '', 'services')).toBe(true);
    expect(allows(rules, 'patch', 'apps', 'daemonsets')).toBe(false);
  });

  it('shows no Secret when no namespace is to be deleted, unless Secrets are among the kinds', async () => {
    const verbs = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
    const kept = await roleOf(['--keep-namespaces']);
    for (const verb of verbs) expect(allows(kept, verb, '', 'secrets'), verb).toBe(false);
    expect(allows(kept, 'delete', '', 'namespaces')).toBe(false);
    const usual = await roleOf([]);
    expect(verbs.filter((verb) => allows(usual, verb, '', 'secrets'))).toEqual(['list']);
    const asked = await roleOf(['--kind', 'v1/Secret', '--keep-namespaces']);
    expect(verbs.filter((verb) => allows(asked, verb, '', 'secrets'))).toEqual(verbs);
  });

  it('opens pods as far as it is told', async () => {
    const opened = async (...args: string[]) => {
      const rules = await roleOf(args);
      return ['log', 'exec', 'portforward'].filter((sub) =>
        rules.some((rule) => rule.resources.includes(`pods/${sub}`)),
      );
    };
    expect(await opened()).toEqual(['log']);
    expect(await opened('--no-logs')).toEqual([]);
    expect(await opened('--exec', '--port-forward')).toEqual(['log', 'exec', 'portforward']);
  });

  it('refuses what it cannot read, and says what is allowed', async () => {
    await expect(roleOf(['--kind', 'deployments'])).rejects.toThrow(RbacUsageError);
    await expect(roleOf(['--kind', 'deployments'])).rejects.toThrow('like apps/v1/Deployment or v1/Service');
    const from = (a: string) => roleOf(['--from', 'a'], { a });
    await expect(from('- web')).rejects.toThrow('--from a: a document has no apiVersion and kind; allowed are');
    await expect(from('components: {}')).rejects.toThrow('--from a: components: is not known here; allowed are name');
    await expect(from('spec: { components: [{ kind: pod }] }')).rejects.toThrow('components[0].kind: found "pod"');
    await expect(from('a: [')).rejects.toThrow(/^--from a: Flow sequence[^\n]*$/);
    const missing = rbacText(['--from', 'no.yaml'], (file) => readFile(file, 'utf8'));
    await expect(missing).rejects.toThrow('--from no.yaml: there is no such file');
    await expect(roleOf(['--all'])).rejects.toThrow(RbacUsageError);
    expect(await rbacText(['--help'], noFile)).toContain('--keep-namespaces');
  });

  it('never grants more for fewer kinds', () => {
    const all = agentRules(usualDuties());
    const few = agentRules({ ...usualDuties(), writes: [{ apiVersion: 'apps/v1', kind: 'Deployment' }] });
    for (const { apiGroups, resources, verbs } of few)
      for (const group of apiGroups)
        for (const resource of resources)
          for (const verb of verbs)
            expect(allows(all, verb, group, resource), `${verb} ${group}/${resource}`).toBe(true);
  });
});
