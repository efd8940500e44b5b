/** One request that meant to change something, and how it was answered. */
export interface AuditEntry {
  atMs: number;
  verb: 'create' | 'update' | 'patch' | 'apply' | 'delete' | 'deletecollection';
  path: string;
  /** Plural name, `deployments`. */
  resource: string;
  namespace: string;
  name: string;
  subresource: string | undefined;
  userAgent: string;
  fieldManager: string;
  dryRun: boolean;
  /** uid and resourceVersion that a delete insisted on. */
  preconditions: { uid?: string; resourceVersion?: string };
  /** HTTP status of the answer. */
  code: number;
}

const remembered = 50_000;

/** The newest mutating requests, oldest first. */
export class Audit {
  readonly entries: AuditEntry[] = [];

  constructor(private readonly onEntry: (entry: AuditEntry) => void) {}

  record(entry: AuditEntry): void {
    this.entries.push(entry);
    if (this.entries.length > remembered) this.entries.splice(0, remembered / 2);
    this.onEntry(entry);
  }
}
