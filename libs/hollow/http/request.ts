import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import type { ResourceRegistry } from '../registry.js';
import type { ResourceKind } from '../resources.js';
import { ApiError, badRequest } from '../status.js';

/** A request to a served resource, taken apart. */
export interface ResourceRequest {
  resource: ResourceKind;
  /** undefined: over all namespaces; '' for cluster-scoped resources. */
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

const maxBodyBytes = 3 * 1024 * 1024;

/** undefined when the path names nothing that is served. */
export function parseResourcePath(registry: ResourceRegistry, path: string): ResourceRequest | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const groupVersion = parts[0] === 'api' ? parts[1] : parts[0] === 'apis' ? `${parts[1]}/${parts[2]}` : undefined;
  if (groupVersion === undefined) return undefined;
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const scoped = rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '');
  const [plural, name, subresource, ...more] = scoped ? rest.slice(2) : rest;
  const resource = registry.at(groupVersion, plural ?? '');
  if (resource === undefined || more.length > 0 || scoped !== (scoped && resource.namespaced)) return undefined;
  if (subresource !== undefined && !resource.subresources.includes(subresource)) return undefined;
  if (resource.namespaced && !scoped && name !== undefined) return undefined;
  return { resource, namespace: resource.namespaced ? (scoped ? rest[1] : undefined) : '', name, subresource };
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk as Uint8Array);
    bytes += buffer.length;
    if (bytes > maxBodyBytes)
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** JSON, or YAML where the content type says so. Throws 400. */
export function parseBody(text: string, contentType: string): unknown {
  if (contentType.includes('protobuf') || contentType.includes('cbor'))
    throw new ApiError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format: ${contentType}`);
  try {
    return contentType.includes('yaml') && !text.trimStart().startsWith('{') ? parseYaml(text) : JSON.parse(text);
  } catch (cause) {
    throw badRequest(`the object provided is unrecognized: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
