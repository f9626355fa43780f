import { AppError } from '@orgstream/core';

/** Type OIDs whose text is a number of Unix seconds when it stands for an instant. */
const INTEGER_OIDS: ReadonlySet<number> = new Set([20, 21, 23]);

/** Largest and smallest instant of JavaScript; `infinity` and years beyond are brought to it. */
const MAX_INSTANT_MS = 8_640_000_000_000_000;

/** Decimal digits → integer. Throws RECORD_INVALID on anything else and beyond 2^53; the value stays out of the error. */
export function parseLong(bytes: Buffer, start: number, end: number): number {
  let at = start;
  const negative = bytes[at] === 0x2d;
  if (negative) at += 1;
  let value = 0;
  if (at === end) throw invalid('an integer');
  for (; at < end; at += 1) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) throw invalid('an integer');
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) throw invalid('an integer below 2^53');
  return negative ? -value : value;
}

/** `t`, `true`, or an integer other than 0. */
export function parseBool(bytes: Buffer, start: number, end: number): boolean {
  const first = bytes[start];
  if (first === 0x74 || first === 0x66) return first === 0x74;
  return parseLong(bytes, start, end) !== 0;
}

const INSTANT =
  /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:([+-])(\d\d)(?::(\d\d))?(?::\d\d)?)?)?( BC)?$/;

/** Timestamp, date (both UTC where they name no zone) or Unix seconds, by type, as Unix milliseconds. */
export function parseInstant(text: string, typeOid: number): number {
  if (INTEGER_OIDS.has(typeOid)) return clamp(Number(text) * 1000);
  if (text === 'infinity') return MAX_INSTANT_MS;
  if (text === '-infinity') return -MAX_INSTANT_MS;
  const match = INSTANT.exec(text);
  if (!match) throw invalid('an instant');
  const [, year, month, day, hour, minute, second, fraction, sign, zoneHours, zoneMinutes, bc] = match;
  const date = new Date(0);
  date.setUTCFullYear(bc ? 1 - Number(year) : Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(
    Number(hour ?? 0),
    Number(minute ?? 0),
    Number(second ?? 0),
    Number((fraction ?? '').padEnd(3, '0').slice(0, 3)),
  );
  const zoneMs = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * 60_000;
  return clamp(date.getTime() - (sign === '-' ? -zoneMs : zoneMs));
}

function clamp(ms: number): number {
  if (Number.isNaN(ms)) return MAX_INSTANT_MS;
  return Math.min(MAX_INSTANT_MS, Math.max(-MAX_INSTANT_MS, ms));
}

function invalid(wanted: string): AppError {
  return new AppError('RECORD_INVALID', `reading a column: not ${wanted}`);
}
