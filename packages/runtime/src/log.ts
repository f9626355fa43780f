import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on stdout. `redact` is the net, not the plan: personal data and secrets are not handed to it at all. */
export function createLogger(
  options: { readonly service: string; readonly level: string },
  to?: DestinationStream,
): Logger {
  const settings = {
    base: { service: options.service },
    level: options.level,
    redact: {
      paths: [
        '*.password',
        '*.token',
        '*.authorization',
        '*.email',
        'password',
        'token',
        'email',
        'err.config',
        'err.body',
      ],
      censor: '[redacted]',
    },
  };
  return to ? pino(settings, to) : pino(settings);
}
