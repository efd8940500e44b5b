export * from './keys.js';
export * from './projects.js';
export * from './tenants.js';
