/** The fields that are there: absent and undefined are two things to exact types, and one to a reader. */
export const defined = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

/** proto3 has no absent text: the empty one is. */
export const textOrAbsent = (text: string): string | undefined => (text === '' ? undefined : text);
