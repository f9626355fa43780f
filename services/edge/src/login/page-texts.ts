import type { ErrorCode } from '@orgstream/core';

export const languages = ['en', 'da', 'sv', 'de'] as const;
export type Language = (typeof languages)[number];

/** What somebody is told who is not let in: why, and what to do. */
interface Told {
  readonly title: string;
  readonly what: string;
  readonly todo: string;
}

/** Reasons, as far as they make a difference to the person who reads them. */
type Reason = 'again' | 'off' | 'inactive' | 'unknown' | 'notYet' | 'noAccess' | 'link' | 'later' | 'setUp';

const reasons: Partial<Record<ErrorCode, Reason>> = {
  ASSERTION_INVALID: 'again',
  ASSERTION_USED: 'again',
  LOGIN_OFF: 'off',
  LOGIN_PERSON_INACTIVE: 'inactive',
  LOGIN_USER_INACTIVE: 'inactive',
  LOGIN_PERSON_UNKNOWN: 'unknown',
  LOGIN_NOT_IN_STEP: 'notYet',
  LOGIN_OUT_OF_SCOPE: 'noAccess',
  LOGIN_LINK_FOREIGN: 'link',
  ISSUER_UNKNOWN: 'setUp',
  NOT_FOUND: 'setUp',
  METHOD_NOT_ALLOWED: 'setUp',
  SECRET_UNREADABLE: 'setUp',
  TARGET_AUTH_FAILED: 'setUp',
  TARGET_FORBIDDEN: 'setUp',
};

const statuses: Readonly<Record<Reason, number>> = {
  again: 401,
  off: 403,
  inactive: 403,
  unknown: 403,
  notYet: 503,
  noAccess: 403,
  link: 400,
  later: 503,
  setUp: 403,
};

/** Where the reason is not the whole story. */
const ownStatuses: Partial<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TOO_MANY_REQUESTS: 429,
  TARGET_AUTH_FAILED: 502,
  TARGET_FORBIDDEN: 502,
  SECRET_UNREADABLE: 500,
  UNEXPECTED: 500,
};

const reasonOf = (code: ErrorCode): Reason => reasons[code] ?? 'later';

/** HTTP status of a refusal. */
export function statusOf(code: ErrorCode): number {
  return ownStatuses[code] ?? statuses[reasonOf(code)];
}

/** Not the visitor's own affair: it mends itself, or somebody has to. */
export function isTrouble(code: ErrorCode): boolean {
  if (code === 'NOT_FOUND' || code === 'METHOD_NOT_ALLOWED' || code === 'TOO_MANY_REQUESTS') return false;
  const reason = reasonOf(code);
  return reason === 'setUp' || reason === 'later';
}

/** What the person is told about a code. */
export function tell(code: ErrorCode, language: Language): Told {
  return texts[language][reasonOf(code)];
}

const texts: Readonly<Record<Language, Readonly<Record<Reason, Told>>>> = {
  en: {
    again: {
      title: 'This link no longer works',
      what: 'A link to Learningbank works once, and only for a minute.',
      todo: 'Go back and choose Learningbank again.',
    },
    off: {
      title: 'Login is switched off',
      what: 'Automatic login to Learningbank is switched off here.',
      todo: 'Ask your administrator, or log in on the Learningbank page yourself.',
    },
    inactive: {
      title: 'Your account is not active',
      what: 'Only active users can open Learningbank.',
      todo: 'If this is a mistake, ask your manager or administrator.',
    },
    unknown: {
      title: 'We could not find you in Learningbank',
      what: 'There is no Learningbank user that belongs to you.',
      todo: 'Ask your administrator to add you, and tell them the code below.',
    },
    notYet: {
      title: 'Your access is not ready yet',
      what: 'You are not in Learningbank yet. New users are added automatically.',
      todo: 'Try again in a few minutes. If it still does not work, ask your administrator.',
    },
    noAccess: {
      title: 'You do not have Learningbank',
      what: 'Your organisation has not given you access to Learningbank.',
      todo: 'If you need it, ask your manager or administrator.',
    },
    link: {
      title: 'This link cannot be opened',
      what: 'The link does not lead to a page of your Learningbank.',
      todo: 'Go back and open Learningbank from the menu.',
    },
    later: {
      title: 'It does not work right now',
      what: 'Learningbank cannot be opened at the moment.',
      todo: 'Wait a few minutes, go back and choose Learningbank again.',
    },
    setUp: {
      title: 'Login is not set up correctly',
      what: 'Learningbank cannot be opened from here.',
      todo: 'Tell your administrator the code below.',
    },
  },
  da: {
    again: {
      title: 'Linket virker ikke længere',
      what: 'Et link til Learningbank virker kun én gang og kun i et minut.',
      todo: 'Gå tilbage, og vælg Learningbank igen.',
    },
    off: {
      title: 'Login er slået fra',
      what: 'Automatisk login til Learningbank er slået fra her.',
      todo: 'Spørg din administrator, eller log selv ind på Learningbanks side.',
    },
    inactive: {
      title: 'Din konto er ikke aktiv',
      what: 'Kun aktive brugere kan åbne Learningbank.',
      todo: 'Hvis det er en fejl, så spørg din leder eller administrator.',
    },
    unknown: {
      title: 'Vi kunne ikke finde dig i Learningbank',
      what: 'Der er ingen Learningbank-bruger, som hører til dig.',
      todo: 'Bed din administrator om at oprette dig, og oplys koden herunder.',
    },
    notYet: {
      title: 'Din adgang er ikke klar endnu',
      what: 'Du er ikke i Learningbank endnu. Nye brugere bliver oprettet automatisk.',
      todo: 'Prøv igen om et par minutter. Virker det stadig ikke, så spørg din administrator.',
    },
    noAccess: {
      title: 'Du har ikke Learningbank',
      what: 'Din organisation har ikke givet dig adgang til Learningbank.',
      todo: 'Har du brug for det, så spørg din leder eller administrator.',
    },
    link: {
      title: 'Linket kan ikke åbnes',
      what: 'Linket fører ikke til en side i jeres Learningbank.',
      todo: 'Gå tilbage, og åbn Learningbank fra menuen.',
    },
    later: {
      title: 'Det virker ikke lige nu',
      what: 'Learningbank kan ikke åbnes i øjeblikket.',
      todo: 'Vent et par minutter, gå tilbage, og vælg Learningbank igen.',
    },
    setUp: {
      title: 'Login er ikke sat rigtigt op',
      what: 'Learningbank kan ikke åbnes herfra.',
      todo: 'Oplys koden herunder til din administrator.',
    },
  },
  sv: {
    again: {
      title: 'Länken fungerar inte längre',
      what: 'En länk till Learningbank fungerar bara en gång och bara i en minut.',
      todo: 'Gå tillbaka och välj Learningbank igen.',
    },
    off: {
      title: 'Inloggningen är avstängd',
      what: 'Automatisk inloggning till Learningbank är avstängd här.',
      todo: 'Fråga din administratör, eller logga in själv på Learningbanks sida.',
    },
    inactive: {
      title: 'Ditt konto är inte aktivt',
      what: 'Bara aktiva användare kan öppna Learningbank.',
      todo: 'Om det är ett misstag, fråga din chef eller administratör.',
    },
    unknown: {
      title: 'Vi hittade dig inte i Learningbank',
      what: 'Det finns ingen Learningbank-användare som hör till dig.',
      todo: 'Be din administratör att lägga till dig och uppge koden nedan.',
    },
    notYet: {
      title: 'Din åtkomst är inte klar än',
      what: 'Du finns inte i Learningbank än. Nya användare läggs till automatiskt.',
      todo: 'Försök igen om några minuter. Fråga din administratör om det fortfarande inte fungerar.',
    },
    noAccess: {
      title: 'Du har inte Learningbank',
      what: 'Din organisation har inte gett dig tillgång till Learningbank.',
      todo: 'Fråga din chef eller administratör om du behöver det.',
    },
    link: {
      title: 'Länken kan inte öppnas',
      what: 'Länken leder inte till en sida i ert Learningbank.',
      todo: 'Gå tillbaka och öppna Learningbank från menyn.',
    },
    later: {
      title: 'Det fungerar inte just nu',
      what: 'Learningbank kan inte öppnas för tillfället.',
      todo: 'Vänta några minuter, gå tillbaka och välj Learningbank igen.',
    },
    setUp: {
      title: 'Inloggningen är inte rätt inställd',
      what: 'Learningbank kan inte öppnas härifrån.',
      todo: 'Uppge koden nedan för din administratör.',
    },
  },
  de: {
    again: {
      title: 'Dieser Link funktioniert nicht mehr',
      what: 'Ein Link zu Learningbank funktioniert nur einmal und nur eine Minute lang.',
      todo: 'Gehen Sie zurück und wählen Sie Learningbank noch einmal.',
    },
    off: {
      title: 'Die Anmeldung ist ausgeschaltet',
      what: 'Die automatische Anmeldung bei Learningbank ist hier ausgeschaltet.',
      todo: 'Fragen Sie Ihren Administrator, oder melden Sie sich selbst auf der Learningbank-Seite an.',
    },
    inactive: {
      title: 'Ihr Konto ist nicht aktiv',
      what: 'Nur aktive Benutzer können Learningbank öffnen.',
      todo: 'Wenn das ein Irrtum ist, fragen Sie Ihre Führungskraft oder Ihren Administrator.',
    },
    unknown: {
      title: 'Wir haben Sie in Learningbank nicht gefunden',
      what: 'Es gibt keinen Learningbank-Benutzer, der zu Ihnen gehört.',
      todo: 'Bitten Sie Ihren Administrator, Sie hinzuzufügen, und nennen Sie den Code unten.',
    },
    notYet: {
      title: 'Ihr Zugang ist noch nicht bereit',
      what: 'Sie sind noch nicht in Learningbank. Neue Benutzer werden automatisch hinzugefügt.',
      todo: 'Versuchen Sie es in ein paar Minuten noch einmal. Geht es dann nicht, fragen Sie Ihren Administrator.',
    },
    noAccess: {
      title: 'Sie haben kein Learningbank',
      what: 'Ihre Organisation hat Ihnen keinen Zugang zu Learningbank gegeben.',
      todo: 'Wenn Sie ihn brauchen, fragen Sie Ihre Führungskraft oder Ihren Administrator.',
    },
    link: {
      title: 'Dieser Link kann nicht geöffnet werden',
      what: 'Der Link führt nicht zu einer Seite Ihres Learningbank.',
      todo: 'Gehen Sie zurück und öffnen Sie Learningbank über das Menü.',
    },
    later: {
      title: 'Im Moment geht es nicht',
      what: 'Learningbank kann gerade nicht geöffnet werden.',
      todo: 'Warten Sie ein paar Minuten, gehen Sie zurück und wählen Sie Learningbank noch einmal.',
    },
    setUp: {
      title: 'Die Anmeldung ist nicht richtig eingerichtet',
      what: 'Learningbank kann von hier nicht geöffnet werden.',
      todo: 'Nennen Sie Ihrem Administrator den Code unten.',
    },
  },
};
