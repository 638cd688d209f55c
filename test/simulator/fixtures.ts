/** Self-signed certificates that nothing trusts; their private keys were thrown away. */
export const CERTIFICATES: readonly string[] = [
  pem(
    'MIIBjDCCATOgAwIBAgIUY9KQK9MoRWLLZL5eNoRey4fkkY4wCgYIKoZIzj0EAwIw',
    'GzEZMBcGA1UEAwwQc2ltdWxhdG9yLXRlc3QtMTAgFw0yNjExMjUwMzIyMThaGA8y',
    'MTI2MTEwMTAzMjIxOFowGzEZMBcGA1UEAwwQc2ltdWxhdG9yLXRlc3QtMTBZMBMG',
    'ByqGSM49AgEGCCqGSM49AwEHA0IABJ13+RJUkl1tlStnWIkO9nXHf9V1Y2XsEkun',
    'Vm5t4MGOrwgMPFgZYjINuqzabqe5RmZ39xrvh1iHYaoO7Hq3ksujUzBRMB0GA1Ud',
    'DgQWBBQ1c48rd1k4mV3ve/tINlYoRi5uSTAfBgNVHSMEGDAWgBQ1c48rd1k4mV3v',
    'e/tINlYoRi5uSTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIGly',
    'PCcGbT8lQ0JbKomq9AiKAZxanLMdXbrM4dn5RM4hAiAGAnkRSZoEY15OBRMYetuZ',
    'mJl4vM/O+C+CDw4wiAFsXw==',
  ),
  pem(
    'MIIBjTCCATOgAwIBAgIUSgWIifNnMLWxOUBBu/UixCL04mAwCgYIKoZIzj0EAwIw',
    'GzEZMBcGA1UEAwwQc2ltdWxhdG9yLXRlc3QtMjAgFw0yNjExMjUwMzIyMThaGA8y',
    'MTI2MTEwMTAzMjIxOFowGzEZMBcGA1UEAwwQc2ltdWxhdG9yLXRlc3QtMjBZMBMG',
    'ByqGSM49AgEGCCqGSM49AwEHA0IABJgA93+EIOiryjcdtcNlZ48oXrjVS3DnaWdQ',
    'BBzLZja+R1sTvX7cfrni4KMlQdc8V1UTr/6LXK3jIExM5OvvLXSjUzBRMB0GA1Ud',
    'DgQWBBTuew2jJS5CPwgQRNWrrOWhQUIFVTAfBgNVHSMEGDAWgBTuew2jJS5CPwgQ',
    'RNWrrOWhQUIFVTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCa',
    'txJiSJeQhYOIBP9+XzanSQhvfGWZKheCHEaYvyB9/gIgbueceB4cunQoeuZ1IMil',
    'sz7yy2qHELSMoC10eu2dA2o=',
  ),
  pem(
    'MIIBjTCCATOgAwIBAgIUO11j08tZ02mySgvA9h7aN/LENm8wCgYIKoZIzj0EAwIw',
    'GzEZMBcGA1UEAwwQc2ltdWxhdG9yLXRlc3QtMzAgFw0yNjExMjUwMzIyMThaGA8y',
    'MTI2MTEwMTAzMjIxOFowGzEZMBcGA1UEAwwQc2ltdWxhdG9yLXRlc3QtMzBZMBMG',
    'ByqGSM49AgEGCCqGSM49AwEHA0IABA5bMvDjaXCAQV5UZk/96q38CdP1Uk4ddtZb',
    'iL8t1qRW0sawqNnDAP8UaVvEQZ0fuu8YOLAbLrsZ2N1A1zhEXbejUzBRMB0GA1Ud',
    'DgQWBBR/8KcBmJDbBU7YmtJCiBnXIFeaFTAfBgNVHSMEGDAWgBR/8KcBmJDbBU7Y',
    'mtJCiBnXIFeaFTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIF90',
    'qog6N6dYcpaJew8Ws9lXlB58RnhtPIfmTP0nmcX3AiEA70xE7SqsHmz0npIWs3ze',
    'Dfv/mEtv3l04kwwdZ6P0AS8=',
  ),
];

function pem(...lines: readonly string[]): string {
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

/** An RSA public key in OpenSSH form, another one for each number; it has no private key. */
export function sshPublicKey(number: number): string {
  const field = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const modulus = Buffer.alloc(257, number + 1);
  modulus[0] = 0;
  const body = Buffer.concat([field(Buffer.from('ssh-rsa')), field(Buffer.from([1, 0, 1])), field(modulus)]);
  return `ssh-rsa ${body.toString('base64')} key-${number}`;
}
