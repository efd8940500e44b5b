/**
 * Keeps new work away from clusters whose weekly maintenance is on, or begins soon. The hours stand on a label of the
 * cluster, in UTC: `example.org/maintenance: sun-0200-0600`; they may end on the next day.
 *
 * Settings: `noticeMinutes`, how long before its hours a cluster gets nothing new (30); `exemptTenants`, whom that does not
 * concern.
 */
const label = 'example.org/maintenance';
const form = /^(sun|mon|tue|wed|thu|fri|sat)-([01]\d|2[0-3])([0-5]\d)-([01]\d|2[0-3])([0-5]\d)$/;
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const minute = 60_000;
const day = 24 * 60 * minute;

/** When the hours that are on or begin within the notice end, as `Sun 06:00 UTC`; undefined when there are none. */
export function maintenanceUntil(hours, now, noticeMinutes) {
  const [, weekday, fromHour, fromMinute, toHour, toMinute] = form.exec(hours) ?? [];
  if (weekday === undefined) return undefined;
  const length =
    ((Number(toHour) * 60 + Number(toMinute) - Number(fromHour) * 60 - Number(fromMinute)) * minute + day) % day;
  const midnight = Math.floor(now / day) * day;
  // Yesterday's may still be on, tomorrow's may be near.
  for (const offset of [-1, 0, 1]) {
    const begin = midnight + offset * day + (Number(fromHour) * 60 + Number(fromMinute)) * minute;
    const isThatDay = days[new Date(begin).getUTCDay()] === weekday;
    if (isThatDay && now >= begin - noticeMinutes * minute && now < begin + length) {
      const end = new Date(begin + length);
      return `${days[end.getUTCDay()]} ${end.toISOString().slice(11, 16)} UTC`;
    }
  }
  return undefined;
}

export function filter(group, clusters, { settings }) {
  const { noticeMinutes = 30, exemptTenants = [] } = settings;
  const now = Date.now();
  return clusters.map(({ labels }) => {
    if (labels[label] === undefined || exemptTenants.includes(group.tenant)) return true;
    const until = maintenanceUntil(labels[label], now, noticeMinutes);
    return until === undefined ? true : `in maintenance, or about to be, until ${until}`;
  });
}
