/** Longest values that Learningbank takes, in characters (vendors §2.2). */
const maxName = 255;
const maxEmail = 254;

/** Names are equal after trimming outer blanks, case-sensitive (decided 4). */
export const nameKey = (name: string): string => name.trim();

/** E-mails are equal without regard to case; undefined = none. */
export function emailKey(email: string | null): string | undefined {
  const key = email?.trim().toLowerCase();
  return key === undefined || key === '' ? undefined : key;
}

const isLongerThan = (value: string, max: number) => value.length > max && Array.from(value).length > max;

/** Why Learningbank would refuse this name; undefined when it would not. */
export function nameProblem(name: string | null): string | undefined {
  if (name === null || name.trim() === '') return 'NAME_MISSING';
  return isLongerThan(name, maxName) ? 'VALUE_TOO_LONG' : undefined;
}

/** Why a person cannot be sent with this e-mail; undefined when it can. */
export function emailProblem(email: string | null): string | undefined {
  const key = emailKey(email);
  if (key === undefined) return 'EMAIL_MISSING';
  if (isLongerThan(key, maxEmail)) return 'VALUE_TOO_LONG';
  return /^[^\s@]+@[^\s@]+$/u.test(key) ? undefined : 'EMAIL_INVALID';
}
