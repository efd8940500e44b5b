import { create } from '@bufbuild/protobuf';
import {
  applicationName,
  applicationSpecToWire,
  componentStatusToWire,
  defined,
  environmentName,
  releaseToWire,
  revisionName,
  runPhaseToWire,
  timestampIfAny,
  timestampOf,
  wire,
} from '#contract';
import type { StoredApplication, StoredRevision } from '#store';
import { environmentsOf } from './state.js';

/** Changes with every accepted change; an application that is made anew under an old name starts another row of them. */
export const etagOf = (application: { uid: string; version: bigint }): string =>
  `${application.uid.slice(-6)}-${application.version}`;

/** An application as tenants read it, its state derived from what is stored now. */
export const applicationToWire = (application: StoredApplication): wire.Application =>
  create(wire.ApplicationSchema, {
    name: applicationName(application.tenant, application.project, application.application),
    uid: application.uid,
    etag: etagOf(application),
    createTime: timestampOf(application.createdAt),
    updateTime: timestampOf(application.updatedAt),
    ...defined({ deleteTime: timestampIfAny(application.deletedAt) }),
    spec: applicationSpecToWire(application.spec),
    revision: application.revision,
    environments: environmentsOf(application).map((state) => ({
      environment: environmentName(application.tenant, application.project, state.environment),
      release: releaseToWire(state.release),
      phase: runPhaseToWire[state.phase],
      components: state.components.map(componentStatusToWire),
    })),
  });

export const revisionToWire = (revision: StoredRevision): wire.Revision =>
  create(wire.RevisionSchema, {
    name: revisionName(revision.tenant, revision.project, revision.application, revision.number),
    number: revision.number,
    spec: applicationSpecToWire(revision.spec),
    digest: revision.digest,
    author: revision.author,
    createTime: timestampOf(revision.createdAt),
  });
