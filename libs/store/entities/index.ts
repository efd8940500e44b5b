import { applicationEntity, releaseEntity, revisionEntity } from './applications.js';
import { certificateEntity, clusterEntity, enrolmentTokenEntity } from './fleet.js';
import { operationEntity } from './operations.js';
import { apiKeyEntity, environmentEntity, projectEntity, tenantEntity } from './tenancy.js';

/**
 * The tables whose rows are read and written one at a time. What moves in batches (capacity, works, status, outbox) is
 * plain SQL with unnest: `save()` writes hundreds of rows a second where that writes tens of thousands.
 */
export const entities = [
  tenantEntity,
  projectEntity,
  environmentEntity,
  apiKeyEntity,
  applicationEntity,
  revisionEntity,
  releaseEntity,
  clusterEntity,
  certificateEntity,
  enrolmentTokenEntity,
  operationEntity,
];
