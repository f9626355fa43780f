/** Where the text of a notification is looked for. */
export interface TextSources {
  /** Ours: language to template; '' = whatever the language. */
  readonly texts: Readonly<Record<string, string>>;
  /** Of the receiver; null: not known. */
  readonly language: string | null;
  /** Of the channel. */
  readonly defaultLanguage: string;
  /** Learningbank's own text for Ziik. */
  readonly body: string | null;
  /** Learningbank's name of the type; its key where it has none. */
  readonly name: string;
}

export interface ChosenText {
  readonly template: string;
  readonly from: 'own' | 'learningbank' | 'fallback';
  /** Of our own text. */
  readonly language: string | null;
}

/**
 * The template of a notification: ours in the receiver's language (exactly, then its base language, then the channel's,
 * then the one for all), else Learningbank's, else the type's name and the link.
 */
export function chooseText({ texts, language, defaultLanguage, body, name }: TextSources): ChosenText {
  const byLanguage = new Map(Object.entries(texts).map(([key, text]) => [key.toLowerCase(), [key, text] as const]));
  for (const wanted of [language, baseOf(language), defaultLanguage, baseOf(defaultLanguage), '']) {
    const [key, template = ''] = (wanted !== null && byLanguage.get(wanted.toLowerCase())) || [];
    if (key !== undefined && template.trim() !== '') return { template, from: 'own', language: key };
  }
  if (body !== null && body.trim() !== '') return { template: body, from: 'learningbank', language: null };
  return { template: `${name.replaceAll(/[{}]/g, '')} {{link}}`, from: 'fallback', language: null };
}

function baseOf(language: string | null): string | null {
  return language?.split(/[-_]/)[0] ?? null;
}

/** Merge fields that Learningbank names (ASSUMED, vendors.md §2.4), and those of its own text of the type. */
export function knownFields(body: string | null): readonly string[] {
  const own = [...(body ?? '').matchAll(/\{\{\s*([\w.-]{1,64})\s*\}\}/g)].map((match) => match[1]!);
  return [...new Set([...commonFields, ...own])];
}

const commonFields = ['firstName', 'lastName', 'platformName', 'moduleName', 'eventName', 'deadline', 'link'];
