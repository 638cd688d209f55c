export function validateInput(
  _service: 'iam' | 'sts' | 'organizations' | 'cloudtrail',
  _operation: string,
  _input: unknown,
): string | undefined {
  return undefined;
}
