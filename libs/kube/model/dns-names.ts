/**
 * Finds names of Services in texts (variables, arguments, configuration). A link too many only places two components
 * together; one too few leaves a call without an answer: in doubt it is a name.
 */

/** A DNS name with what stands before and after it. */
const hostForm = /(:\/\/|@|^|[^A-Za-z0-9.\-_])([A-Za-z0-9](?:[-A-Za-z0-9.]*[A-Za-z0-9])?)(?=(:[0-9]+)?)/g;
const maxText = 64 * 1024;

/** The Service that `host` names in a cluster's DNS: `cart`, `cart.ns`, `cart.ns.svc.cluster.local`, `cart-0.cart`. */
function serviceOf(host: string, services: ReadonlySet<string>, namespace: string): string | undefined {
  const labels = host.toLowerCase().split('.');
  const pod = /-[0-9]+$/.test(labels[0] ?? '') && services.has(labels[1] ?? '');
  const [name = '', inNamespace, svc] = pod ? labels.slice(1) : labels;
  if (!services.has(name)) return undefined;
  return inNamespace === undefined || inNamespace === namespace || svc === 'svc' ? name : undefined;
}

/**
 * The Services that a text names: after `://` or `@`, before `:port`, with their namespace, or as the whole of it
 * (or the whole of what follows `=`, or of a part of a comma-separated list).
 */
export function servicesNamedIn(text: string, services: ReadonlySet<string>, namespace: string): string[] {
  const found: string[] = [];
  const bounded = text.slice(0, maxText);
  const wholes = new Set(/\s/.test(bounded.trim()) ? [] : bounded.trim().split(/[,;=]/));
  for (const [, before = '', host = '', port] of bounded.matchAll(hostForm)) {
    const marked = before === '://' || before === '@' || port !== undefined || host.includes('.') || wholes.has(host);
    const service = marked ? serviceOf(host, services, namespace) : undefined;
    if (service !== undefined) found.push(service);
  }
  return found;
}
