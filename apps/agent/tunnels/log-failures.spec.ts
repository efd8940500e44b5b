import { describe, expect, it } from 'vitest';
import { AccessForbidden, InvalidObject, ObjectNotFound, ServerFault } from '#kube';
import { refusalFor } from './end.js';
import { logFailure } from './log-failures.js';

const call = 'GET /api/v1/namespaces/berth-shop/pods/web-1/log?container=main';

describe('logs that a member does not give', () => {
  it.each([
    [
      new InvalidObject(
        { call, status: 400, fields: [] },
        'container "main" in pod "web-1" is waiting to start: ContainerCreating',
      ),
      'NOT_STARTED',
      'container main of pod web-1 has no logs yet, it has not started; with --follow they are waited for',
    ],
    [new ObjectNotFound({ call, status: 404 }, 'pods "web-1" not found'), 'OBJECT_NOT_FOUND', 'pod web-1 is gone'],
    [
      new AccessForbidden({ call, status: 403 }, 'pods "web-1" is forbidden'),
      'AGENT_LACKS_RIGHTS',
      /^the agent may not read the logs of pod web-1: .*berth-agent rbac/,
    ],
    [
      new ServerFault({ call, status: 500 }, 'Get "https://10.0.0.7:10250/…": dial tcp: connection refused'),
      'SERVER_FAULT',
      'the node of pod web-1 does not give the logs of container main (HTTP 500); "berth get" shows the pod\'s state',
    ],
  ])('are told of the pod, without the words of the kubelet: %s', (error, reason, message) => {
    const told = refusalFor(logFailure(error, 'web-1', 'main'));
    expect(told?.reason).toBe(reason);
    expect(told?.message).toMatch(message);
    expect(told?.message).not.toContain('/api/v1');
  });

  it('are left as they are when it is no answer of the member', () => {
    const own = new Error('a fault of the agent');
    expect(logFailure(own, 'web-1', 'main')).toBe(own);
  });
});
