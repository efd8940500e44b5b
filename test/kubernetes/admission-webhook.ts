import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { JsonObject } from '#domain';
import { selfSigned } from '../../libs/hollow/http/certificate.js';

/** What a webhook says to an object of that name; `hang`: nothing, ever. */
export type Verdict = 'allow' | 'refuse' | 'hang';

export interface AdmissionWebhook {
  /** Every ConfigMap of a work is shown to the webhook, which has two seconds. */
  configuration(name: string): JsonObject;
  close(): Promise<void>;
}

interface Review {
  request: { uid: string; name?: string; object?: { metadata?: { name?: string } } };
}

/** An admission webhook, as a policy engine in the cluster would be. */
export async function startAdmissionWebhook(judge: (name: string) => Verdict): Promise<AdmissionWebhook> {
  const certificate = await selfSigned('webhook', Date.now());
  const server = createServer(certificate, async (asked, response) => {
    const { request } = (await json(asked)) as Review;
    const verdict = judge(request.name || (request.object?.metadata?.name ?? ''));
    if (verdict === 'hang') return;
    const status = verdict === 'refuse' ? { status: { code: 403, message: 'no cats on board' } } : {};
    const answer = { uid: request.uid, allowed: verdict === 'allow', ...status };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/judge`;
  return {
    configuration: (name) => ({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name },
      webhooks: [
        {
          name: `${name}.policy.example`,
          clientConfig: { url, caBundle: Buffer.from(certificate.cert).toString('base64') },
          rules: [
            { apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE', 'UPDATE'] },
          ],
          namespaceSelector: { matchLabels: { 'app.kubernetes.io/managed-by': 'berth' } },
          objectSelector: { matchExpressions: [{ key: 'berth.dev/work', operator: 'Exists' }] },
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          timeoutSeconds: 2,
        },
      ],
    }),
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
