import { z } from 'zod';

const expression = z
  .string()
  .min(1, 'must be an expression, like object.status.phase == "Running"')
  .max(1024, 'must be at most 1024 characters');

/** How objects of one kind tell how they are: expressions (CEL) over `object`. */
const statusRule = z.strictObject({
  apiVersion: z.string().min(1, 'must be an API version, like example.org/v1').max(253),
  kind: z.string().min(1, 'must be a kind, like Database').max(63),
  ready: expression,
  failed: expression.optional(),
  message: expression.optional(),
});

/** How a component's objects are kept in their member clusters. */
export const objectPolicySchema = z.strictObject({
  /** Of a field that somebody else changed: put back, told only, or left to them from now on. */
  drift: z.enum(['repair', 'report', 'adopt']),
  /** Of a change that can't be made in place: refused, or the object is deleted by its uid and made again. */
  immutable: z.enum(['refuse', 'recreate']),
  /** Whether objects that Berth did not make are taken over. */
  adoption: z.enum(['never', 'existing']),
  replicasOwner: z.enum(['broker', 'autoscaler']),
  statusRules: z.array(statusRule).max(20),
});

export type ObjectPolicy = z.infer<typeof objectPolicySchema>;
export type StatusRule = z.infer<typeof statusRule>;

export const defaultObjectPolicy: ObjectPolicy = {
  drift: 'repair',
  immutable: 'refuse',
  adoption: 'never',
  replicasOwner: 'broker',
  statusRules: [],
};
