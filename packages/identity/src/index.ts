export { verifyAssertion, type Assertion, type VerifyOptions } from './assertion.ts';
export { createIssuers, type Issuers, type IssuersOptions } from './issuers.ts';
export type { Issuer } from './issuer-store.ts';
export { countUsableKeys } from './probe.ts';
export { burnJti, forgetJtis } from './jti-store.ts';
