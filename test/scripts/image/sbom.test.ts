import { describe, expect, test } from '@jest/globals';
import { bundledSbom, packageFolder, type Sbom } from '../../../scripts/image/sbom.ts';

test.each([
  ['node_modules/ms/index.js', 'node_modules/ms'],
  ['node_modules/@a/b/dist/x.js', 'node_modules/@a/b'],
  ['node_modules/@a/b/node_modules/c/i.js', 'node_modules/@a/b/node_modules/c'],
  ['operator/main.ts', undefined],
])('%s is of %s', (input, folder) => {
  expect(packageFolder(input)).toBe(folder);
});

describe('of what is installed, what is bundled', () => {
  const component = (name: string, version: string, more: object = {}) => ({
    'bom-ref': `${name}@${version}`,
    name,
    version,
    ...more,
  });
  const sbom: Sbom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: 'urn:uuid:00000000-0000-4000-8000-000000000000',
    metadata: { timestamp: '2026-01-01T00:00:00Z', component: component('checkout', '1.0.0') },
    components: [
      component('a', '1.0.0'),
      component('a', '2.0.0'),
      component('b', '1.0.0', {
        scope: 'optional',
        properties: [
          { name: 'cdx:npm:package:development', value: 'true' },
          { name: 'x', value: 'y' },
        ],
      }),
    ],
    dependencies: [
      { ref: 'checkout@1.0.0', dependsOn: ['a@1.0.0', 'a@2.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['b@1.0.0'] },
      { ref: 'a@2.0.0', dependsOn: [] },
    ],
  };
  const bill = bundledSbom({ sbom, bundled: ['a@1.0.0', 'b@1.0.0'], name: 'product' });

  test('those versions alone, all required, and what they need of each other', () => {
    expect(bill.components).toEqual([
      component('a', '1.0.0', { scope: 'required', properties: [] }),
      component('b', '1.0.0', { scope: 'required', properties: [{ name: 'x', value: 'y' }] }),
    ]);
    expect(bill.dependencies).toEqual([
      { ref: 'checkout@1.0.0', dependsOn: ['a@1.0.0'] },
      { ref: 'a@1.0.0', dependsOn: ['b@1.0.0'] },
    ]);
    expect(bill.metadata.component.name).toBe('product');
  });

  test('without a time, and with a number that follows from the rest', () => {
    expect(bill.metadata).not.toHaveProperty('timestamp');
    expect(bill.serialNumber).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(bundledSbom({ sbom, bundled: ['a@1.0.0', 'b@1.0.0'], name: 'product' })).toEqual(bill);
    expect(bundledSbom({ sbom, bundled: ['a@1.0.0'], name: 'product' }).serialNumber).not.toBe(
      bill.serialNumber,
    );
  });

  test('what is bundled and not listed is refused', () => {
    expect(() => bundledSbom({ sbom, bundled: ['c@1.0.0'], name: 'product' })).toThrow(
      'in the bundle, and npm does not list it: c@1.0.0',
    );
  });
});
