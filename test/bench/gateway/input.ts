import type { MessageInitShape } from '@bufbuild/protobuf';
import { wire } from '#contract';

export const project = 'tenants/default/projects/default';

/** One service as people write them: a container with a port, a probe, environment, requests and limits. */
export const applicationSpec = (id: string): MessageInitShape<typeof wire.ApplicationSpecSchema> => ({
  components: [
    {
      name: id,
      kind: wire.ComponentKind.SERVICE,
      replicas: 3,
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/shop/web:1.4.2',
          env: [
            { name: 'APPLICATION', value: id },
            { name: 'LOG_LEVEL', value: 'info' },
          ],
          ports: [{ name: 'http', port: 8080 }],
          requests: { cpu: '250m', memory: '128Mi' },
          limits: { memory: '256Mi' },
          readiness: {
            check: { case: 'http', value: { path: '/ready', port: { port: { case: 'name', value: 'http' } } } },
            periodSeconds: 5,
          },
        },
      ],
      servicePorts: [{ name: 'http', port: 80, target: { case: 'targetPortName', value: 'http' } }],
    },
  ],
});
