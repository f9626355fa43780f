/** Directions of docs/architecture.md: services → packages → core → nothing; services never import each other. */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Type-only imports are gone at run time and may point both ways within a folder.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'services-meet-in-schemas-topics-and-tables',
      comment: 'A service imports packages and itself, never another service.',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/([^/]+)/', pathNot: '^services/$1/' },
    },
    {
      name: 'core-imports-nothing',
      severity: 'error',
      from: { path: '^packages/core/src', pathNot: '[.]test[.]ts$' },
      to: { pathNot: '^packages/core/src' },
    },
    {
      name: 'packages-know-no-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(services|test|scripts)/' },
    },
    {
      name: 'testkit-only-from-tests',
      severity: 'error',
      from: {
        path: '^(packages|services)/',
        pathNot: '([.]test[.]ts$|^packages/testkit/|/test-support/|/[a-z-]*fixture[a-z-]*[.]ts$)',
      },
      to: { path: '^packages/testkit/' },
    },
    {
      name: 'kafkajs-stays-behind-the-port',
      severity: 'error',
      from: { path: '^(services|packages)/', pathNot: '^packages/(kafka|testkit)/' },
      to: { path: 'node_modules/kafkajs' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)node_modules/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
