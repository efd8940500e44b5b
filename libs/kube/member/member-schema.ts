import { type FieldTree, isJsonObject, type JsonObject, schemaDigest } from '#domain';
import type { KubeClient } from '../client/client.js';
import { isNotFound } from '../client/errors.js';
import { at, textAt } from '../client/objects.js';
import { isCustom } from '../model/kinds.js';
import { type Definitions, fieldTree } from './field-tree.js';
import type { Bounds, MemberSchema } from './port.js';
import { servedVersions } from './rendered-kinds.js';

type DefinitionsOf = (apiVersion: string) => Promise<Definitions | undefined>;

const definitionsAt = (document: JsonObject, ...path: readonly string[]): Definitions => {
  const found = at(document, ...path);
  return isJsonObject(found) ? found : {};
};

/** OpenAPI v3, one document per group version; undefined on servers that have none (before 1.24). */
async function openApiV3(client: KubeClient, bounds: Bounds): Promise<DefinitionsOf | undefined> {
  let index: JsonObject;
  try {
    index = await client.read('/openapi/v3', bounds);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  return async (apiVersion) => {
    const key = apiVersion.includes('/') ? `apis/${apiVersion}` : `api/${apiVersion}`;
    const url = textAt(index, 'paths', key, 'serverRelativeURL');
    if (url === '') return undefined;
    const { pathname, searchParams } = new URL(url, 'http://server');
    const document = await client.read(pathname, { ...bounds, query: Object.fromEntries(searchParams) });
    return definitionsAt(document, 'components', 'schemas');
  };
}

async function openApiV2(client: KubeClient, bounds: Bounds): Promise<DefinitionsOf> {
  const definitions = definitionsAt(await client.read('/openapi/v2', bounds), 'definitions');
  return async () => definitions;
}

/** Reads what the server declares for the kinds that Berth renders, and which custom kinds it serves: some tens of KB, with a digest that names it. */
export async function readSchema(client: KubeClient, bounds: Bounds): Promise<MemberSchema> {
  const definitionsOf = (await openApiV3(client, bounds)) ?? (await openApiV2(client, bounds));
  const served = servedVersions(await client.discovery(bounds));
  const schema: Record<string, FieldTree> = {};
  for (const apiVersion of new Set(served.map((kind) => kind.apiVersion))) {
    const definitions = await definitionsOf(apiVersion);
    if (definitions === undefined) continue;
    for (const { kind } of served.filter((each) => each.apiVersion === apiVersion)) {
      const tree = fieldTree(definitions, apiVersion, kind);
      if (tree !== undefined) schema[`${apiVersion}/${kind}`] = tree;
    }
  }
  // of custom kinds only that they are served: their own schemas are the server's business
  const custom = [...(await client.discovery(bounds)).kinds.values()].filter(
    ({ apiVersion, namespaced, verbs }) => namespaced && isCustom(apiVersion) && verbs.has('patch'),
  );
  for (const { apiVersion, kind } of custom) schema[`${apiVersion}/${kind}`] = true;
  return { schema, digest: schemaDigest(schema) };
}
