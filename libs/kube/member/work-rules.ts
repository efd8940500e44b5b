import type { StatusRule } from '#domain';
import type { KindRef } from '../client/objects.js';
import { type CompiledRule, compileRules, groupOf } from '../rules/status-rules.js';

interface Shared {
  rules: readonly CompiledRule[];
  works: number;
}

const isNamed = (rules: readonly CompiledRule[], kind: KindRef): boolean =>
  rules.some((rule) => rule.group === groupOf(kind) && rule.kind === kind.kind);

/** The rules of each work; equal ones are compiled once, however many works share them. */
export class WorkRules {
  private readonly keys = new Map<string, string>();
  private readonly shared = new Map<string, Shared>();

  /** Answers the kinds of which the rules said or say something else, as a test; undefined when nothing changed. */
  set(workId: string, rules: readonly StatusRule[]): ((kind: KindRef) => boolean) | undefined {
    const key = rules.length === 0 ? '' : JSON.stringify(rules);
    const knownKey = this.keys.get(workId) ?? '';
    if (key === knownKey) return undefined;
    const before = this.of(workId);
    this.release(workId, knownKey);
    if (key !== '') {
      const shared = this.shared.get(key) ?? { rules: compileRules(rules), works: 0 };
      shared.works += 1;
      this.shared.set(key, shared);
      this.keys.set(workId, key);
    }
    const after = this.of(workId);
    return (kind) => isNamed(before, kind) || isNamed(after, kind);
  }

  of(workId: string): readonly CompiledRule[] {
    const key = this.keys.get(workId);
    return key === undefined ? [] : (this.shared.get(key)?.rules ?? []);
  }

  /** Some work has a rule for this kind: its metadata alone won't do. */
  isRuled(kind: KindRef): boolean {
    return [...this.shared.values()].some(({ rules }) => isNamed(rules, kind));
  }

  private release(workId: string, key: string): void {
    const shared = this.shared.get(key);
    if (shared === undefined) return;
    shared.works -= 1;
    if (shared.works === 0) this.shared.delete(key);
    this.keys.delete(workId);
  }
}
