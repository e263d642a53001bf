// Times for people, in their own time zone and way of writing.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** `14:05` today, `Yesterday 14:05`, `3 Nov` in this year, else with its year. */
export function when(ms: number, now = Date.now()): string {
  const at = new Date(ms);
  const today = new Date(now);
  const midnight = new Date(today.getFullYear(), today.getMonth(), today.getDate()).getTime();
  if (ms >= midnight) return clock.format(at);
  if (ms >= midnight - 86_400_000) return `Yesterday ${clock.format(at)}`;
  return at.getFullYear() === today.getFullYear() ? day.format(at) : `${day.format(at)} ${at.getFullYear()}`;
}

export const time = (ms: number): string => clock.format(ms);
export const moment = (ms: number): string => full.format(ms);

/** `3 min`, `2 h`, `4 d`: how long something takes or took. */
export function lasting(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36_000) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `12.3 MB`. */
export function bytes(number: number): string {
  const units = ["B", "KB", "MB", "GB"];
  let at = 0;
  while (number >= 1024 && at < units.length - 1) {
    number /= 1024;
    at++;
  }
  return `${at && number < 100 ? number.toFixed(1) : Math.round(number)} ${units[at]}`;
}

export const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
export const count = new Intl.NumberFormat("en-US");
