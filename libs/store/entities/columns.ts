import type { EntitySchemaColumnOptions } from 'typeorm';

/** Column kinds by what they mean, so that an entity reads as its table does. Each takes the column's name. */
type Column = (name: string, options?: Partial<EntitySchemaColumnOptions>) => EntitySchemaColumnOptions;

export const text: Column = (name, options) => ({ name, type: 'text', ...options });
export const uuid: Column = (name, options) => ({ name, type: 'uuid', ...options });
export const integer: Column = (name, options) => ({ name, type: 'integer', ...options });
export const flag: Column = (name, options) => ({ name, type: 'boolean', ...options });
export const json: Column = (name, options) => ({ name, type: 'jsonb', ...options });
export const texts: Column = (name, options) => ({ name, type: 'text', array: true, ...options });
export const bytes: Column = (name, options) => ({ name, type: 'bytea', ...options });

/** PostgreSQL's bigint as a bigint: node-postgres hands it over as text, since a number could not hold it. */
export const big: Column = (name, options) => ({
  name,
  type: 'bigint',
  transformer: {
    from: (value: string | null) => (value === null ? null : BigInt(value)),
    to: (value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
  },
  ...options,
});

/** A moment on the store's clock. */
export const moment: Column = (name, options) => ({ name, type: 'timestamptz', ...options });

/** Stamped by the store when the row is made. */
export const stamp: Column = (name, options) => moment(name, { default: () => 'clock_timestamp()', ...options });

export const key = { primary: true } as const;
export const optional = { nullable: true } as const;
