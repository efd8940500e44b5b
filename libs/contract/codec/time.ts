import { type Timestamp, timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';

/** What Postgres gives for a time: a Date from a column, or ISO 8601 out of JSON. */
export type StoredTime = Date | string;

export const timestampOf = (time: StoredTime): Timestamp =>
  typeof time === 'string' ? timestampFromMs(Date.parse(time)) : timestampFromDate(time);

/** Absent stays absent. */
export const timestampIfAny = (time: StoredTime | null | undefined): Timestamp | undefined =>
  time === null || time === undefined ? undefined : timestampOf(time);
