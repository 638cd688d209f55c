/**
 * Three projects, by what a test needs: `unit` needs nothing, `process` starts our own processes
 * (simulator, bundle, moto), `cluster` starts a real control plane.
 */
const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript' },
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

export default {
  // For suites that start processes; unit tests need milliseconds.
  testTimeout: 120_000,
  testSequencer: '<rootDir>/test/order/sequencer.config.mjs',
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/**/*.test.ts'] },
    { ...shared, displayName: 'process', testMatch: ['<rootDir>/test/**/*.process.ts'] },
    {
      ...shared,
      displayName: 'cluster',
      testMatch: ['<rootDir>/test/**/*.cluster.ts'],
      globalSetup: '<rootDir>/test/cluster/global-setup.config.ts',
      globalTeardown: '<rootDir>/test/cluster/global-teardown.config.ts',
    },
  ],
};
