/** A department as the simulator keeps it. */
export interface Department {
  readonly id: number;
  name: string;
  /** null for the top department only. */
  parentId: number | null;
  externalId: string | null;
  readonly createdAt: string;
  updatedAt: string;
}

export interface PermissionType {
  readonly id: number;
  name: string;
  externalId: string | null;
  readonly isSystem: boolean;
}

export interface JobProfile {
  readonly id: number;
  name: string;
}

/** A user as the simulator keeps it; `departmentIds` in order, the first is the primary one. */
export interface User {
  readonly id: number;
  externalId: string | null;
  username: string;
  email: string | null;
  firstName: string;
  lastName: string;
  phone: string | null;
  language: string;
  isActive: boolean;
  departmentIds: number[];
  jobProfileId: number | null;
  permissionTypeIds: number[];
  firstDay: string | null;
  lastDay: string | null;
  isAnonymised: boolean;
  lastLoginAt: string | null;
  readonly createdAt: string;
  updatedAt: string;
}

export interface Credentials {
  username: string;
  password: string;
  token: string;
}

/** What an operator sets on a platform; `PATCH /_sim/platforms/{id}` changes it. */
export interface PlatformSettings {
  /** Calls a minute and credential set; 0 = no limit. */
  rateLimitPerMinute: number;
  tokenTtlS: number;
  language: string;
  languages: string[];
  /** Record an activation mail for each user created (never sent anywhere). */
  activationMails: boolean;
}
