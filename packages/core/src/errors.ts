/**
 * What the shell does with a failure: `retry` = back off and keep the place, `park` = store this one object with its
 * code and go on, `halt` = stop the smallest owner (tenant, source, else process). A code has one disposition for ever.
 */
export type Disposition = 'retry' | 'park' | 'halt';

/** Every error code, with the operator's manual as its comment. `docs/errors.md` is generated from this table. */
export const codes = {
  // ── configuration and start-up ────────────────────────────────────────────────────────────────────────────────
  /** A setting is missing or malformed. Operator: the message names the variable and what it takes. */
  CONFIG_INVALID: 'halt',
  /** A command was called with arguments that do not fit. Operator: see `--help` of the command. */
  USAGE: 'halt',
  /** The local stack (Postgres, Kafka, registry) cannot be started. Operator: the message says what to install. */
  STACK_UNAVAILABLE: 'halt',
  /** A service did not finish a command in time; it goes on. Operator: is the service running? `orgstream status`. */
  COMMAND_UNANSWERED: 'retry',
  /** Postgres does not answer. Resumes by itself; operator: check the database and DATABASE_URL. */
  POSTGRES_UNREACHABLE: 'retry',
  /** `control` does not answer. Operator: is it running, and is ORGSTREAM_URL right? */
  CONTROL_UNREACHABLE: 'retry',
  /** `control` refuses the token. Operator: set ORGSTREAM_TOKEN; the first one comes from `orgstream token create --local --name first`. */
  TOKEN_REFUSED: 'halt',
  /** The token's role does not allow this. Operator: ask an administrator. */
  ROLE_TOO_LOW: 'park',
  /** A request has a field that does not fit. Operator: the message names it; what it takes is in `/v1/openapi.json`. */
  REQUEST_INVALID: 'park',
  /** The object was changed since it was read (If-Match). Read it again, then decide. */
  PRECONDITION_FAILED: 'park',
  /** A change needs If-Match with the ETag of what was read. Operator: read the object, then send its ETag. */
  PRECONDITION_REQUIRED: 'park',
  /** No such route has this method. The Allow header names those it has. */
  METHOD_NOT_ALLOWED: 'park',
  /** The request body is larger than 1 MB. Operator: send less at once. */
  BODY_TOO_LARGE: 'park',
  /** The request body is not JSON by its content type. Operator: send application/json. */
  BODY_NOT_JSON: 'park',
  /** There is one already: a tenant has one integration per platform. Operator: change that one. */
  ALREADY_EXISTS: 'park',
  /** A request with this idempotency key is under way. Operator: wait a moment, then send it again. */
  REQUEST_UNDER_WAY: 'retry',
  /** The idempotency key was used for another request. Use a new one. */
  IDEMPOTENCY_KEY_REUSED: 'park',
  /** Too many refused log-ins or requests; wait as long as Retry-After says. */
  TOO_MANY_REQUESTS: 'retry',
  /** Kafka does not answer. Resumes by itself; operator: check the brokers and KAFKA_BROKERS. */
  KAFKA_UNREACHABLE: 'retry',
  /** Kafka refuses the credentials, or they lack a right. Operator: the message names what was being done. */
  KAFKA_AUTH_FAILED: 'halt',
  /** A topic is missing. Operator: run `orgstream topics apply`. */
  TOPIC_MISSING: 'halt',
  /** The database has not been migrated. Operator: run `orgstream migrate`. */
  DATABASE_NOT_MIGRATED: 'halt',

  // ── Kafka and registry ────────────────────────────────────────────────────────────────────────────────────────
  /** The schema registry does not answer; known schemas go on working. Resumes by itself. */
  REGISTRY_UNREACHABLE: 'retry',
  /** A record type is not registered. Operator: run `orgstream schemas register`. */
  SCHEMA_NOT_REGISTERED: 'halt',
  /** The registry does not know a record's schema id. The partition waits; operator: restore the registry. */
  SCHEMA_UNKNOWN: 'retry',
  /** The writer's schema cannot be read with ours. The record is set aside; operator: fix the producer. */
  SCHEMA_UNRESOLVABLE: 'park',
  /** A schema change breaks FULL_TRANSITIVE compatibility. Operator: see schemas/README.md. */
  SCHEMA_INCOMPATIBLE: 'halt',
  /** The bytes are not an Avro record in the Confluent wire format. The record is set aside. */
  RECORD_UNREADABLE: 'park',
  /** A record could not be encoded: a field has a value its schema does not allow. */
  RECORD_INVALID: 'park',
  /** The stored offset is no longer in the log. Operator: docs/runbooks.md, "Kafka was lost". */
  RETENTION_PASSED: 'halt',
  /** The topic was re-created or the cluster is another one. Operator: docs/runbooks.md, "Kafka was lost". */
  TOPIC_REPLACED: 'halt',
  /** Postgres shows less than this process had stored: an older copy was put in its place. The process ends; started again it catches up before it sends. */
  DATABASE_RESTORED: 'halt',
  /** The consumer or producer is stuck or gone; the process ends and is restarted. */
  KAFKA_CLIENT_DEAD: 'halt',

  // ── change data capture ───────────────────────────────────────────────────────────────────────────────────────
  /** The source database does not answer. Resumes by itself. */
  SOURCE_UNREACHABLE: 'retry',
  /** The source refuses the credentials. Operator: `orgstream source add` with the right URL. */
  SOURCE_AUTH_FAILED: 'halt',
  /** The source's role lacks a right. Operator: run the GRANT or ALTER ROLE statement of the message. */
  SOURCE_GRANT_MISSING: 'halt',
  /** The source is set up in a way that cannot work: no free slot, a standby. Operator: see the message. */
  SOURCE_NOT_READY: 'halt',
  /** The source runs with wal_level below logical. Operator: set wal_level = logical and restart it. */
  WAL_LEVEL_TOO_LOW: 'halt',
  /** The slot is gone or was invalidated: changes are lost. Operator: `orgstream snapshot --source`. */
  SLOT_LOST: 'halt',
  /** Another client reads the slot, often our own dead connection. Resumes by itself. */
  SLOT_IN_USE: 'retry',
  /** The publication is missing or lacks a table: nothing would stream. Operator: `orgstream snapshot --source`. */
  PUBLICATION_MISSING: 'halt',
  /** A deletion in this table would not name its tenant. Operator: run the ALTER statement of the message. */
  REPLICA_IDENTITY_LACKS_TENANT: 'halt',
  /** A captured table or column is missing in the source. Operator: fix the mapping file or the source. */
  SOURCE_SCHEMA_MISMATCH: 'halt',
  /**
   * A captured table was truncated. Removes nobody by itself: every tenant is snapshotted under a new epoch, and the brake
   * judges what is absent then. Operator: look at what it holds.
   */
  SOURCE_TRUNCATED: 'retry',
  /** The source does not have the tenant (site). Operator: check the tenant key <source>.<site id>. */
  TENANT_UNKNOWN: 'park',
  /** No such source. Operator: `orgstream source add`. */
  SOURCE_UNKNOWN: 'park',
  /** The replication stream broke its protocol. The connection is made anew. */
  REPLICATION_PROTOCOL: 'retry',

  // ── facts and rules (semantics: Ziik) ─────────────────────────────────────────────────────────────────────────
  /** A source row cannot be mapped to a fact. It parks that object; heals with its next good record. */
  FACT_INVALID: 'park',
  /** The site was deleted at the source. The tenant stops, nothing is sent. */
  TENANT_GONE: 'halt',
  /** The top unit was deleted or replaced. The tenant stops. Operator: look at the source, re-create the integration. */
  TOP_UNIT_CHANGED: 'halt',
  /** A sibling department has this name. Operator: rename one, or switch Unique Units on. */
  DEPARTMENT_NAME_TAKEN: 'park',
  /** The department still has foreign users or children. Operator: move them, then it is deleted by itself. */
  DEPARTMENT_NOT_EMPTY: 'park',
  /** Another permission type has this name. Operator: rename the role or the permission type. */
  PERMISSION_TYPE_NAME_TAKEN: 'park',
  /** A role has the name of a built-in permission type, which carries rights. Operator decides. */
  PERMISSION_TYPE_HAS_RIGHTS: 'park',
  /** Person without e-mail. Operator: have it added in Ziik; the person then goes on by itself. */
  EMAIL_MISSING: 'park',
  /** Another linked person has this e-mail. Resumes when one of the two changes. */
  EMAIL_TAKEN: 'park',
  /** The e-mail belongs to a linked, inactive person: probably re-hired. Operator moves the link. */
  REHIRE: 'park',
  /** The user or object found at the target is linked by another integration. Operator decides. */
  LINKED_ELSEWHERE: 'park',
  /** The user found by e-mail is inactive at the target. Operator decides. */
  MATCH_INACTIVE: 'park',
  /** Two people match one user. Operator decides. */
  MATCHED_TWICE: 'park',
  /** A protected identity would be deactivated, moved or stripped. */
  PROTECTED: 'park',
  /** A name or value is longer than the target takes. Operator: shorten it at the source. */
  VALUE_TOO_LONG: 'park',

  // ── held by a rule or an operator ─────────────────────────────────────────────────────────────────────────────
  /** Too many objects would get this operation at once: all pending ones are held. Operator: look, then approve or reject. */
  BRAKE_TRIPPED: 'park',
  /** An operator undid this change; it stays undone until released or until the source changes the object again. Operator: `orgstream objects release`, or leave it. */
  UNDONE: 'park',
  /** An operator rejected this change; it stays so until released or until the source changes the object again. Operator: `orgstream objects release`, or leave it. */
  REJECTED: 'park',
  /** An operator decided to leave this object alone. Operator: release it to sync it again. */
  IGNORED: 'park',
  /** The change has become more destructive than what was approved. Operator: approve or reject it as it is now. */
  MORE_DESTRUCTIVE: 'park',
  /** Shadow mode: planned and recorded, not sent. Resumes when shadow mode is switched off. */
  SHADOW: 'park',
  /** Each deletion of a user waits for an operator (`confirmDeletions`). */
  DELETION_UNCONFIRMED: 'park',
  /** More than one department has this name: which one is meant? Operator decides. */
  DEPARTMENT_AMBIGUOUS: 'park',

  // ── runs and operators' requests ──────────────────────────────────────────────────────────────────────────────
  /** Settings were changed since the run was planned. Operator: start it again. */
  RUN_SETTINGS_CHANGED: 'park',
  /** The planner was replaced since the run was planned. Operator: start it again. */
  RUN_PLANNER_CHANGED: 'park',
  /** The run is not in a state in which this can be done. Operator: `orgstream run show`. */
  RUN_STATE: 'park',
  /** Another run of the integration is under way. Operator: wait for it, or cancel it. */
  RUN_IN_PROGRESS: 'park',
  /** Nothing can be planned before a snapshot of the tenant is proved. Operator: `orgstream snapshot --tenant`. */
  SNAPSHOT_MISSING: 'park',
  /** The object was changed since what is to be undone. Operator: undo the newer change first, or leave it. */
  UNDO_CHANGED_SINCE: 'park',
  /** There is nothing to undo. */
  UNDO_NOTHING: 'park',
  /** This change cannot be taken back: a deleted user is gone with its history. */
  UNDO_IMPOSSIBLE: 'park',
  /** The item was planned anew since it was looked at. Operator: look again, then decide. */
  ITEM_CHANGED: 'park',
  /** A decision that nobody carried out in time is not carried out later, on what nobody has seen. Operator: decide again. */
  DECISION_TOO_OLD: 'park',
  /** The action does not fit the object as it stands. Operator: `orgstream why`. */
  ACTION_NOT_POSSIBLE: 'park',
  /** No such integration, run, object or token, or it belongs to another tenant. Operator: check the id. */
  NOT_FOUND: 'park',
  /** The setting belongs to another preset, or the preset to another kind of source. Operator: leave it out. */
  SETTING_NOT_OF_PRESET: 'park',
  /** *deactivate users* while two integrations share the platform: one would deactivate the other's people. */
  PLATFORM_SHARED: 'park',
  /** The integration is disabled, paused or in shadow mode, or everything is stopped. Operator: `orgstream status` says which; `orgstream integration enable`, `orgstream resume`. */
  NOT_SENDING: 'park',

  // ── Learningbank ──────────────────────────────────────────────────────────────────────────────────────────────
  /** No answer, a reset connection, or a time-out. */
  TARGET_UNREACHABLE: 'retry',
  /** 5xx. */
  TARGET_ERROR: 'retry',
  /** 429; carries waitMs. */
  TARGET_RATE_LIMITED: 'retry',
  /** The answer is not what was asked for: HTML, half a JSON, empty, or other values. */
  TARGET_ANSWER_INVALID: 'retry',
  /** The credentials are refused. The platform pauses, probes and resumes by itself. Operator: renew them. */
  TARGET_AUTH_FAILED: 'retry',
  /** 403 on one object, while the platform answers. */
  TARGET_FORBIDDEN: 'park',
  /** 404 on an object we had linked. It is looked up and created again where the rules allow. */
  TARGET_NOT_FOUND: 'park',
  /** 409: a name or an e-mail is taken, or the object is in use. */
  TARGET_CONFLICT: 'park',
  /** 422 or 400: the target refuses the values. */
  TARGET_REFUSED: 'park',
  /** The platform's breaker is open; nothing is burnt, it probes and resumes. */
  PLATFORM_PAUSED: 'retry',
  /** Another sink owns the platform, or has moved the ingest offset of the partition. Resumes by itself. */
  LEASE_LOST: 'retry',
  /** A secret cannot be decrypted with the configured key. Operator: set ORGSTREAM_SECRET_KEY to the right key. */
  SECRET_UNREADABLE: 'halt',

  // ── Ziik's API (chat) ─────────────────────────────────────────────────────────────────────────────────────────
  /** Ziik's API does not answer. Resumes by itself. */
  ZIIK_UNREACHABLE: 'retry',
  /** Ziik's API answers 5xx. Resumes by itself. */
  ZIIK_ERROR: 'retry',
  /** Ziik's API answers 429; carries waitMs. */
  ZIIK_RATE_LIMITED: 'retry',
  /** Ziik's answer is not what was asked for: HTML, half a JSON, or other values. */
  ZIIK_ANSWER_INVALID: 'retry',
  /** The sender user's e-mail or password is refused. Its channel stops and probes. Operator: put new credentials into the channel. */
  ZIIK_AUTH_FAILED: 'retry',
  /** The sender user may not do this in Ziik. */
  ZIIK_FORBIDDEN: 'park',
  /** Ziik does not have this user, conversation or message (any more). */
  ZIIK_NOT_FOUND: 'park',
  /** Ziik refuses the values (400 or 422). */
  ZIIK_REFUSED: 'park',
  /** Chat is switched off in this Ziik (Settings, Modules); the channel stops. Operator: switch it on; the channel goes on by itself. */
  CHAT_MODULE_OFF: 'retry',

  // ── notifications ─────────────────────────────────────────────────────────────────────────────────────────────
  /** The notification's receiver is nobody we know: not linked, and no Ziik user has the e-mail. */
  RECEIVER_UNKNOWN: 'park',
  /** The receiver is inactive, expired or deleted in Ziik. */
  RECEIVER_INACTIVE: 'park',
  /** The receiver has no account in this Ziik, or several have the e-mail. */
  RECEIVER_WITHOUT_ACCOUNT: 'park',
  /** The notification type is switched off for the Ziik channel. */
  TYPE_OFF: 'park',
  /** The integration has no Ziik channel, or it is switched off. */
  CHANNEL_OFF: 'park',
  /** Older than the channel's maxAge, or from before the channel was made. */
  NOTIFICATION_EXPIRED: 'park',
  /** The text is empty once its merge fields are filled in. Operator: look at the template of this type. */
  TEXT_EMPTY: 'park',
  /** A template has a fault: an unclosed field, or it is too long. The message names it. */
  TEMPLATE_INVALID: 'park',
  /** After a crash nobody can say whether the message went out: it is never sent again. Operator: look at the conversation. */
  DELIVERY_UNKNOWN: 'park',
  /** A notification hook's signature, time stamp or body does not fit. */
  HOOK_REFUSED: 'park',

  // ── login ─────────────────────────────────────────────────────────────────────────────────────────────────────
  /** The assertion is malformed, expired, of another audience, or its signature does not hold. Tap the shortcut again. */
  ASSERTION_INVALID: 'park',
  /** The assertion was used before. Tap the shortcut again. */
  ASSERTION_USED: 'park',
  /** Nobody configured this issuer. Operator: `orgstream issuer add`. */
  ISSUER_UNKNOWN: 'park',
  /** The issuer's keys cannot be fetched. Resumes by itself; operator: check its JWKS address. */
  ISSUER_UNREACHABLE: 'retry',
  /** Login is switched off for this integration. */
  LOGIN_OFF: 'park',
  /** The person is inactive, expired or deleted in the source: a leaver. */
  LOGIN_PERSON_INACTIVE: 'park',
  /** Nobody in Learningbank belongs to this person. Operator: `orgstream why`. */
  LOGIN_PERSON_UNKNOWN: 'park',
  /** The person is not in Learningbank yet, and could not be brought there in time: held, parked, or the platform is slow. */
  LOGIN_NOT_IN_STEP: 'park',
  /** The integration's filters leave this person out. */
  LOGIN_OUT_OF_SCOPE: 'park',
  /** The Learningbank user is deactivated. */
  LOGIN_USER_INACTIVE: 'park',
  /** Deep links lead to the platform's own pages only. */
  LOGIN_LINK_FOREIGN: 'park',
  /** Only administrators of this Ziik may sign in here. */
  ADMIN_REQUIRED: 'park',

  /** An unknown failure on one object, after all its retries. */
  UNEXPECTED: 'park',
} as const satisfies Record<string, Disposition>;

/** A stable error code. */
export type ErrorCode = keyof typeof codes;

/** Data of an {@link AppError}: plain fields for the log, never personal data. */
export interface ErrorDetails {
  readonly cause?: unknown;
  /** Wait at least this long before a retry, milliseconds. */
  readonly waitMs?: number;
  readonly [field: string]: unknown;
}

/** The one error of orgstream: what was being done, a stable code, and plain facts. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly waitMs: number | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const { cause, waitMs, ...data } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.disposition = codes[code];
    this.waitMs = waitMs;
    this.data = data;
  }
}

/** True when `error` is an {@link AppError}, of one of `wanted` codes if any are given. */
export function isAppError(error: unknown, ...wanted: readonly ErrorCode[]): error is AppError {
  return error instanceof AppError && (wanted.length === 0 || wanted.includes(error.code));
}
