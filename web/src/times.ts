// Times and amounts in words. Seconds are of recordings, moments ISO 8601 as the API has them.

/** 83.4 → "1:23"; 3723 → "1:02:03"; with tenths, 83.4 → "1:23.4". */
export function clock(seconds: number, { tenths = false } = {}): string {
  const whole = tenths ? Math.round(seconds * 10) / 10 : Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = whole % 60;
  const end = tenths ? rest.toFixed(1).padStart(4, "0") : String(Math.floor(rest)).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${end}` : `${minutes}:${end}`;
}

/** 83.4 → "1 min 23 s"; 12.3 → "12.3 s"; 7384 → "2 h 3 min". */
export function length(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds < 20 ? Math.round(seconds * 10) / 10 : whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "3 hours ago", "in 2 days", "just now". */
export function ago(moment: string, now = Date.now()): string {
  const seconds = (Date.parse(moment) - now) / 1000;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return seconds > 30 ? "in a moment" : "just now";
}

/** "gone in 21 h", "gone in 12 min". */
export function goneIn(moment: string, now = Date.now()): string {
  const minutes = Math.max(0, Math.round((Date.parse(moment) - now) / 60_000));
  if (minutes < 1) return "gone in a moment";
  if (minutes < 90) return `gone in ${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `gone in ${hours} h` : `gone in ${Math.round(hours / 24)} days`;
}

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** "3 Oct 2026". */
export function day(moment: string): string {
  return DATE.format(new Date(moment));
}

/** "3 Oct 2026, 10:15". */
export function at(moment: string): string {
  return MOMENT.format(new Date(moment));
}

/** 1 → "1 turn", 3 → "3 turns". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** 1536 → "1.5 KB". */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  const power = Math.min(3, Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${["B", "KB", "MB", "GB"][power]}`;
}
