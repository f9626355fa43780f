import type { Random } from './random.ts';

/** A name as people write it, and its ASCII form for e-mail addresses. */
type Name = readonly [native: string, ascii: string];

interface Origin {
  readonly first: readonly Name[];
  readonly last: readonly Name[];
  readonly languages: readonly (readonly [language: string, weight: number])[];
}

const same = (...names: string[]): Name[] => names.map((name) => [name, name.toLowerCase()]);

const danish: Origin = {
  first: [
    ...same('Anna', 'Emma', 'Freja', 'Ida', 'Karen', 'Lars', 'Mikkel', 'Niels', 'Oliver', 'Peter', 'Sofie', 'Victor'),
    ['Søren', 'soeren'],
    ['Jørgen', 'joergen'],
    ['Åse', 'aase'],
    ['Bjørn', 'bjoern'],
    ['Mie-Louise', 'mie-louise'],
    ['Pelle Ærø', 'pelle.aeroe'],
  ],
  last: [
    ...same('Jensen', 'Nielsen', 'Hansen', 'Pedersen', 'Andersen', 'Larsen', 'Madsen', 'Thomsen', 'Holm', 'Lund'),
    ['Sørensen', 'soerensen'],
    ['Jørgensen', 'joergensen'],
    ['Møller', 'moeller'],
    ['Østergård', 'oestergaard'],
    ['Bæk Nielsen', 'baek.nielsen'],
  ],
  languages: [
    ['da', 92],
    ['en', 8],
  ],
};

const swedish: Origin = {
  first: [...same('Astrid', 'Elsa', 'Erik', 'Karl', 'Linnea', 'Nils'), ['Åke', 'ake'], ['Björn', 'bjorn']],
  last: [...same('Andersson', 'Karlsson', 'Lindberg', 'Nilsson'), ['Sjöberg', 'sjoberg'], ['Åkesson', 'akesson']],
  languages: [
    ['sv', 90],
    ['da', 10],
  ],
};

const polish: Origin = {
  first: [
    ...same('Anna', 'Ewa', 'Jan', 'Katarzyna', 'Marek', 'Piotr', 'Tomasz', 'Zofia'),
    ['Paweł', 'pawel'],
    ['Łukasz', 'lukasz'],
    ['Małgorzata', 'malgorzata'],
    ['Świętosława', 'swietoslawa'],
  ],
  last: [
    ...same('Nowak', 'Kowalska', 'Mazur', 'Krawczyk'),
    ['Wiśniewski', 'wisniewski'],
    ['Wójcik', 'wojcik'],
    ['Dąbrowska', 'dabrowska'],
    ['Kamińska-Żuk', 'kaminska-zuk'],
  ],
  languages: [
    ['pl', 80],
    ['en', 15],
    ['da', 5],
  ],
};

const arabic: Origin = {
  first: [
    ['محمد', 'mohammed'],
    ['أحمد', 'ahmed'],
    ['فاطمة', 'fatima'],
    ['عائشة', 'aisha'],
    ['يوسف', 'yusuf'],
    ['ليلى', 'layla'],
    ['عبد الله', 'abdullah'],
    ['مريم', 'maryam'],
  ],
  last: [
    ['الحسن', 'alhassan'],
    ['حداد', 'haddad'],
    ['خوري', 'khoury'],
    ['المصري', 'almasri'],
    ['ناصر', 'nasser'],
    ['بن علي', 'ben.ali'],
  ],
  languages: [
    ['ar', 70],
    ['en', 20],
    ['da', 10],
  ],
};

const origins = [
  [danish, 66],
  [polish, 14],
  [swedish, 10],
  [arabic, 10],
] as const;

/** A person's name, the local part of an e-mail made of it (not unique), and a language that fits. */
export interface PersonName {
  readonly firstName: string;
  readonly lastName: string;
  readonly mailbox: string;
  readonly language: string;
}

/** Draws a name: Danish mostly, Polish, Swedish and Arabic. */
export function drawPersonName(random: Random): PersonName {
  const origin = random.weighted<Origin>(origins);
  const first = random.pick(origin.first);
  const last = random.pick(origin.last);
  return {
    firstName: first[0],
    lastName: last[0],
    mailbox: `${first[1]}.${last[1]}`,
    language: random.weighted(origin.languages),
  };
}

/** Names of units by level below the top unit; the same ones come back in other branches. */
export const unitNames = {
  chain: [
    'Bageriet',
    'Bistro Øst',
    'Kaffehuset',
    'Café Łódź',
    'Nordic Fashion',
    'مطاعم الشرق',
    'Byggeland',
    'Sportsmagasinet',
  ],
  region: ['Nord', 'Syd', 'Øst', 'Vest', 'Hovedstaden', 'Midtjylland', 'Skåne', 'Śląsk'],
  area: ['Område 1', 'Område 2', 'Område 3', 'Kysten', 'Centrum', 'Oplandet'],
  shop: (
    'Aarhus,Odense,Aalborg,Esbjerg,Randers,Kolding,Horsens,Vejle,Roskilde,Herning,Hørsholm,Helsingør,Silkeborg,' +
    'Næstved,Malmö,Göteborg,Łódź,Gdańsk,Kraków,عمّان,Amager,Østerbro,Nørreport,Frederiksberg,Lyngby,Rødovre,Køge,' +
    'Hillerød,Viborg,Skive'
  ).split(','),
  team: ['Kasse', 'Lager', 'Bageri', 'Køkken', 'Salg', 'Morgenhold', 'Aftenhold', 'Weekend'],
  department: ['Frugt & Grønt', 'Delikatesse', 'Kasse', 'Lager', 'Kundeservice'],
} as const satisfies Record<string, readonly string[]>;

/** Roles of a new organisation; two or three are in daily use. None has a name that Learningbank builds in. */
export const roleNames = [
  ['Medarbejder', 70],
  ['Butikschef', 12],
  ['Souschef', 8],
  ['Elev', 5],
  ['Lagermedarbejder', 2],
  ['Regionschef', 1],
  ['Kontor', 1],
  ['Kierownik zmiany', 1],
] as const satisfies readonly (readonly [string, number])[];
