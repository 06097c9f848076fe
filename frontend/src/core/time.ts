// Instants on the screen: RFC 3339 in, local clock time out. Reads no clock: "now" is passed in.

/** "14:03:22.481" in the person's own time zone. */
export function formatClock(instant: string): string {
  const date = new Date(instant);
  const two = (value: number): string => value.toString().padStart(2, "0");
  const millisecond = date.getMilliseconds().toString().padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millisecond}`;
}

/** "23 Nov" in the person's own time zone. */
export function formatDay(instant: string): string {
  return new Date(instant).toLocaleDateString("en-GB", { day: "2-digit", month: "short" });
}

/** A market date such as 2019-03-04 as "Mon 4 Mar 2019". */
export function formatMarketDate(date: string): string {
  const options = { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" } as const;
  return new Date(`${date}T00:00:00Z`).toLocaleDateString("en-GB", options).replace(",", "");
}

/** "now", "12 s", "3 min", "2 h", "5 d": how old something is. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 2) return "now";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
