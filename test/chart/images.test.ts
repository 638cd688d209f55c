import { expect, test } from '@jest/globals';
import { imagesOf } from './images.ts';

test.each(['local', 'kind'] as const)('CLUSTER=%s: made here and loaded, whatever is said', (mode) => {
  for (const environment of [{}, { CLUSTER_IMAGES: 'registry.test/team' }]) {
    expect(imagesOf(mode, environment)).toEqual({
      operator: { repository: 'localhost/idhub-aws-connector', tag: 'test' },
      simulator: 'localhost/idhub-aws-simulator:test',
      pullPolicy: 'Never',
      made: true,
    });
  }
});

test('CLUSTER=existing: somebody says where they are', () => {
  expect(() => imagesOf('existing', {})).toThrow(
    /CLUSTER=existing: images are not loaded.*node test\/chart\/cli\.ts FOLDER.*CLUSTER_IMAGES=REGISTRY.*CLUSTER_IMAGES=loaded/,
  );
  expect(imagesOf('existing', { CLUSTER_IMAGES: 'registry.test/team/' })).toEqual({
    operator: { repository: 'registry.test/team/idhub-aws-connector', tag: 'test' },
    simulator: 'registry.test/team/idhub-aws-simulator:test',
    pullPolicy: 'IfNotPresent',
    made: false,
  });
  expect(imagesOf('existing', { CLUSTER_IMAGES: 'loaded' })).toEqual({
    operator: { repository: 'localhost/idhub-aws-connector', tag: 'test' },
    simulator: 'localhost/idhub-aws-simulator:test',
    pullPolicy: 'Never',
    made: false,
  });
});
