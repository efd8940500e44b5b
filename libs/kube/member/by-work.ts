/** Values by work, then by uid. */
export class ByWork<Value extends { workId: string; uid: string }> {
  private readonly works = new Map<string, Map<string, Value>>();
  private readonly workOfUid = new Map<string, string>();

  put(value: Value): void {
    const known = this.works.get(value.workId) ?? new Map<string, Value>();
    this.works.set(value.workId, known.set(value.uid, value));
    this.workOfUid.set(value.uid, value.workId);
  }

  remove({ workId, uid }: Value): void {
    const known = this.works.get(workId);
    known?.delete(uid);
    if (known?.size === 0) this.works.delete(workId);
    if (this.workOfUid.get(uid) === workId) this.workOfUid.delete(uid);
  }

  of(workId: string): Value[] {
    return [...(this.works.get(workId)?.values() ?? [])];
  }

  workOf(uid: string): string | undefined {
    return this.workOfUid.get(uid);
  }

  keys(): string[] {
    return [...this.works.keys()];
  }
}
