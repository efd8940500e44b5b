interface Page {
  nextPageToken: string;
}

/** All items of a paged list, page after page. */
export async function everyPage<P extends Page, T>(
  read: (page: { pageSize: number; pageToken: string }) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): Promise<T[]> {
  const items: T[] = [];
  for (let pageToken = ''; ; ) {
    const page = await read({ pageSize: 1000, pageToken });
    items.push(...itemsOf(page));
    if (page.nextPageToken === '') return items;
    pageToken = page.nextPageToken;
  }
}
