/** An answer of the API that is not a success, in its documented envelope. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly fields: Readonly<Record<string, string[]>> | undefined;
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
    return {
      error: { code: this.code, message: this.message, ...(this.fields === undefined ? {} : { fields: this.fields }) },
    };
  }
}

export function notFound(what: string): ApiError {
  return new ApiError(404, 'not_found', `${what} does not exist`);
}

export function invalidField(field: string, message: string): ApiError {
  return new ApiError(422, 'validation_failed', 'The given data was invalid', { fields: { [field]: [message] } });
}
