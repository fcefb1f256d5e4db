import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { KernelSymbols } from '../../../receiver/host/kernel-symbols.ts';

const folder = mkdtempSync(join(tmpdir(), 'wirespan-symbols-'));
after(() => rmSync(folder, { recursive: true }));

function symbols(text: string): KernelSymbols {
  const path = join(folder, 'kallsyms');
  writeFileSync(path, text);
  return new KernelSymbols({ symbols: path, modules: join(folder, 'absent') });
}

describe('KernelSymbols', () => {
  it('finds the function that holds an address, in any order of the file', () => {
    const found = symbols(
      [
        'ffffffff81002000 T tcp_v4_rcv',
        'ffffffffc0001000 t nf_hook\t[nf_tables]',
        'ffffffff81001000 t tcp_drop',
        'ffffffff81001800 D some_data',
        '',
      ].join('\n'),
    );
    assert.equal(found.functionAt(0xffffffff81001000n), 'tcp_drop');
    assert.equal(found.functionAt(0xffffffff81001fffn), 'tcp_drop');
    assert.equal(found.functionAt(0xffffffff81002000n), 'tcp_v4_rcv');
    assert.equal(found.functionAt(0xffffffffc0001010n), 'nf_hook');
    assert.equal(found.functionAt(0xffffffff81000fffn), undefined);
  });

  it('finds where code lies, to the next symbol or to another', () => {
    const found = symbols(
      [
        'ffffffff81001000 T sock_def_readable',
        'ffffffff81000000 T __irqentry_text_start',
        'ffffffff81000100 T asm_common_interrupt',
        'ffffffff81000200 T __irqentry_text_end',
        'ffffffff810010c0 t sock_def_write_space',
        'ffffffff810010b0 t twice',
        'ffffffff810010b0 t twice',
        '',
      ].join('\n'),
    );
    assert.deepEqual(found.codeOf('sock_def_readable'), {
      from: 0xffffffff81001000n,
      to: 0xffffffff810010b0n,
    });
    assert.deepEqual(found.codeOf('__irqentry_text_start', '__irqentry_text_end'), {
      from: 0xffffffff81000000n,
      to: 0xffffffff81000200n,
    });
    for (const name of ['absent', 'twice', 'sock_def_write_space'])
      assert.equal(found.codeOf(name), undefined, name);
    assert.equal(found.codeOf('sock_def_readable', 'absent'), undefined);
  });

  it('reads again for a new address when a module came, not when its users changed', () => {
    const files = { symbols: join(folder, 'later'), modules: join(folder, 'modules') };
    const kernel = 'ffffffff81001000 t tcp_drop\n';
    writeFileSync(files.symbols, kernel);
    writeFileSync(files.modules, 'veth 40960 0 - Live 0xffffffffc0900000 (E)\n');
    const found = new KernelSymbols(files);
    assert.equal(found.functionAt(0xffffffffc0001010n), 'tcp_drop', 'what lies before it');
    writeFileSync(files.symbols, `${kernel}ffffffffc0001000 t nft_do_chain\t[nf_tables]\n`);
    writeFileSync(files.modules, 'veth 40960 1 - Live 0xffffffffc0900000 (E)\n');
    assert.equal(found.functionAt(0xffffffffc0001014n), 'tcp_drop');
    writeFileSync(
      files.modules,
      'nf_tables 290816 1 - Live 0xffffffffc0001000\nveth 40960 1 - Live 0xffffffffc0900000 (E)\n',
    );
    assert.equal(found.functionAt(0xffffffffc0001018n), 'nft_do_chain');
    assert.equal(found.functionAt(0xffffffffc0001010n), 'nft_do_chain', 'not the answer of before');
  });

  it('knows nothing where the kernel hides its addresses, or has no list', () => {
    assert.equal(symbols('0000000000000000 T tcp_v4_rcv\n').functionAt(0xffffffff81002000n), undefined);
    assert.equal(
      new KernelSymbols({ symbols: join(folder, 'absent'), modules: join(folder, 'absent') }).functionAt(1n),
      undefined,
    );
  });
});
