/** What the embedded stack needs, in words. */
export const EMBEDDED_NEEDS = 'Java 17 or newer and Maven (`java` and `mvn` on the PATH)';
