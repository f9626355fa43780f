/** Settings of an integration, versioned in `control.settings`; the switches of semantics.md §1 and §5. */
export interface IntegrationSettings {
  /** Department names carry the unit id: `"<name> (<unit id>)"` (semantics.md §1, decided 5). */
  readonly uniqueUnits: boolean;
  /** Write the job profile when the person's own matching role changes (decided 3). */
  readonly updateJobProfile: boolean;
  /** A person met for the first time while inactive is created inactive (decided 10). */
  readonly createInactive: boolean;
  /** Departments the user had besides its memberships are kept (decided 16). */
  readonly keepForeignDepartments: boolean;
  /** E-mails, lower case, never deactivated, moved or stripped (decided 15). */
  readonly protectedEmails: readonly string[];
}

export const defaultSettings: IntegrationSettings = {
  uniqueUnits: false,
  updateJobProfile: true,
  createInactive: true,
  keepForeignDepartments: false,
  protectedEmails: [],
};
