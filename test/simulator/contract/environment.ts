import { pythonEnvironment, type PythonEnvironment } from '../../support/python.ts';

/** A Python with one of the other IAMs, and botocore. */
export function referenceEnvironment(name: 'moto' | 'ministack'): Promise<PythonEnvironment> {
  return pythonEnvironment({
    name,
    requirements: new URL(`requirements-${name}.txt`, import.meta.url),
    modules: [name, 'botocore'],
  });
}
