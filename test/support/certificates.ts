import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Why tests with certificates are skipped; false: they are not. */
export const withoutOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'needs openssl, to make certificates for one day';

/** An authority and one certificate for 127.0.0.1, or other names, which server and client share. */
export function makeCertificates(
  folder: string,
  names = 'IP:127.0.0.1',
): { ca: string; cert: string; key: string } {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): unknown =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-days',
    '1',
    '-subj',
    '/CN=test authority',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'end.key', '-out', 'end.csr');
  writeFileSync(file('ext'), `subjectAltName=${names}\n`);
  const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'ext'];
  openssl('x509', '-req', '-in', 'end.csr', ...signing, '-days', '1', '-out', 'end.pem');
  return { ca: file('ca.pem'), cert: file('end.pem'), key: file('end.key') };
}
