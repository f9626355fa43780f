/** The images of the stack in containers; docker-compose.yml has the same versions. */
export const images = {
  postgres: 'postgres:18',
  kafka: 'apache/kafka:4.1.1',
  registry: 'apicurio/apicurio-registry-mem:2.6.13.Final',
} as const;
