/** What the demo has shown, in figures; its last line. */
export interface Proof {
  readonly ok: boolean;
  readonly people: number;
  readonly units: number;
  readonly firstSyncSeconds: number;
  readonly callsPerPerson: number;
  readonly liveP50Ms: number;
  readonly liveP99Ms: number;
  readonly mismatches: number;
  readonly duplicates: number;
  readonly replayCalls: number;
  readonly gapItems: number;
  readonly gapApplied: number;
  readonly brakeHeld: number;
  readonly wronglyDeactivated: number;
  readonly undone: number;
  readonly notificationsSent: number;
  readonly notificationDuplicates: number;
  readonly loginMs: number;
  readonly loginRefusals: number;
}

export type ActOne = Pick<
  Proof,
  | 'people'
  | 'units'
  | 'firstSyncSeconds'
  | 'callsPerPerson'
  | 'liveP50Ms'
  | 'liveP99Ms'
  | 'replayCalls'
  | 'mismatches'
  | 'duplicates'
>;
export type ActTwo = Pick<
  Proof,
  'mismatches' | 'duplicates' | 'gapItems' | 'gapApplied' | 'brakeHeld' | 'wronglyDeactivated' | 'undone'
>;
type ActThree = Pick<Proof, 'notificationsSent' | 'notificationDuplicates' | 'loginMs' | 'loginRefusals'>;

/** All figures, whether each of them is what it has to be, and which act it failed in. */
export function judge(
  one: ActOne,
  { namesBack, ...two }: ActTwo & { readonly namesBack: boolean },
  { loginsHeld, ...three }: ActThree & { readonly loginsHeld: boolean },
): { readonly proof: Proof; readonly failed: readonly string[] } {
  const mismatches = one.mismatches + two.mismatches;
  const duplicates = one.duplicates + two.duplicates;
  const inStep = mismatches === 0 && duplicates === 0 && one.replayCalls === 0 && Number.isFinite(one.liveP50Ms);
  const inCharge =
    two.gapItems > 0 &&
    two.gapApplied > 0 &&
    two.brakeHeld > 0 &&
    two.wronglyDeactivated === 0 &&
    two.undone > 0 &&
    namesBack;
  const inTouch =
    three.notificationsSent === 100 &&
    three.notificationDuplicates === 0 &&
    three.loginRefusals === 5 &&
    Number.isFinite(three.loginMs) &&
    loginsHeld;
  const failed = Object.entries({
    'synchronisation, crash and replay': inStep,
    'gap, brake and undo': inCharge,
    'chat and login': inTouch,
  }).flatMap(([act, held]) => (held ? [] : [act]));
  return { proof: { ok: failed.length === 0, ...one, ...two, ...three, mismatches, duplicates }, failed };
}
