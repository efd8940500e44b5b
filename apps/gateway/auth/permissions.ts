import { type DescMethod, getOption } from '@bufbuild/protobuf';
import { wire } from '#contract';
import { may, type Permission, PermissionDenied, type Principal, permissions, rolesWith } from '#domain';
import { actorOf } from '../principal.js';

const isPermission = (word: string): word is Permission => permissions.some((each) => each === word);
const known = new Map<DescMethod, Permission>();

/** The permission that a method declares in the contract. A method without a known one is served to nobody. */
export function permissionOf(method: DescMethod): Permission {
  const cached = known.get(method);
  if (cached !== undefined) return cached;
  const word = getOption(method, wire.permission);
  if (!isPermission(word)) throw new Error(`${method.toString()} declares no known permission: "${word}"`);
  known.set(method, word);
  return word;
}

/** @throws PermissionDenied when the caller's role does not grant what the method declares. */
export function authorize(call: { method: DescMethod; principal: Principal }): void {
  const permission = permissionOf(call.method);
  const { principal } = call;
  if (may(principal, permission)) return;
  const { role } = principal;
  throw new PermissionDenied({ permission, principal: actorOf(principal), role, roles: rolesWith(permission) });
}
