import { createHash } from 'node:crypto';
import { applicationName } from '#contract';
import { canonicalJson, InvalidRequest, NotFound, PreconditionFailed } from '#domain';
import { readPlan, type StoredPlan, type Transaction } from '#store';
import type { ApplyOrder } from './apply.js';

const form = /^plan_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([0-9a-f]{32})$/;

/** SHA-256 of all that was planned, half of it: enough to notice a change. */
function digestOf(plan: StoredPlan): string {
  const { tenant, project, environment, application, id, etag, digest, changed } = plan;
  const allotments = plan.allotments.map(({ component, cluster, replicas }) => [component, cluster, replicas]);
  const preempts = plan.preempts.map((each) => ({ ...each }));
  const planned = [tenant, project, environment, application, id, etag, digest, changed, allotments];
  const content = canonicalJson(preempts.length === 0 ? planned : [...planned, preempts]);
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

/** How tenants hold a plan: its id, and a digest of what it says. */
export const planToken = (plan: StoredPlan): string => `plan_${plan.id.replaceAll('-', '')}_${digestOf(plan)}`;

const wrong = (description: string): InvalidRequest => new InvalidRequest([{ field: 'plan', description }]);

function checkSubject(plan: StoredPlan, { key, environment, intake }: ApplyOrder): void {
  const planned = applicationName(plan.tenant, plan.project, plan.application);
  const asked = applicationName(key.tenant, key.project, key.application);
  if (planned !== asked || plan.environment !== environment)
    throw wrong(
      `was made for ${planned} in environment "${plan.environment}", this is ${asked} in environment "${environment}"`,
    );
  if (plan.digest !== intake.digest)
    throw wrong(
      `was made for other content (digest ${plan.digest.slice(0, 12)}…, this has ${intake.digest.slice(0, 12)}…); plan again`,
    );
}

/**
 * The plan that a token stands for, when it is one for this order.
 *
 * @throws InvalidRequest (`plan`) for a token that is none or is another's, NotFound for one that is not there for this
 * tenant, PreconditionFailed for one that has expired.
 */
export async function findPlan(tx: Transaction, token: string, order: ApplyOrder): Promise<StoredPlan> {
  const [, ...parts] = form.exec(token) ?? [];
  const digest = parts.pop();
  if (digest === undefined)
    throw wrong(`found "${token.slice(0, 100)}"; allowed is what PlanApplication answered, plan_<id>_<digest>`);
  const { tenant, project } = order.key;
  const plan = await readPlan(tx, { tenant, id: parts.join('-') });
  if (plan === undefined || plan.project !== project) throw new NotFound({ kind: 'plan', name: token });
  if (digestOf(plan) !== digest) throw wrong('its digest is not that of what was planned: it was changed on its way');
  checkSubject(plan, order);
  if (plan.expired)
    throw new PreconditionFailed('PLAN_EXPIRED', `the plan expired at ${plan.expiresAt.toISOString()}; plan again`, {
      expired: plan.expiresAt.toISOString(),
    });
  return plan;
}
