/** An answer of the API that is not a success, in Ziik's envelope. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, readonly string[]>> | undefined;
  readonly retryAfterS: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    extra: { fields?: Record<string, string[]>; retryAfterS?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.fields = extra.fields;
    this.retryAfterS = extra.retryAfterS;
  }

  body(): unknown {
    return errorBody(this.code, this.message, this.fields);
  }
}

/** Ziik's envelope of a refusal. */
export function errorBody(
  code: string,
  message: string,
  fields?: Readonly<Record<string, readonly string[]>>,
): unknown {
  return { error: { code, message, is_ziik_error: true, ...(fields === undefined ? {} : { fields }) } };
}

export function notFound(what: string): ApiError {
  return new ApiError(404, 'not_found', `${what} does not exist`);
}

export function forbidden(why: string): ApiError {
  return new ApiError(403, 'forbidden', why);
}

export function invalidField(field: string, message: string): ApiError {
  return new ApiError(422, 'validation_failed', 'The given data was invalid', { fields: { [field]: [message] } });
}
