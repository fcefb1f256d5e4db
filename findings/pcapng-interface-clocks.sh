#!/usr/bin/env bash
# What: one pcapng file, three readers for Python, three different times of the same packets.
#   dpkt 1.9.8, scapy 2.8.0, python-pcapng 2.1.1. In pcapng each interface of each section has its own clock: the
#   resolution (if_tsresol) and an offset in seconds (if_tsoffset). Captures of several interfaces, and files joined
#   from several captures, hold more than one.
# Seen (true, as tshark 4.0 reads the same files: A, B and C are at 1780000000 s and 5 us, 7 ns or 5 us):
#   A, two interfaces, us and ns:   dpkt reads the second one's ns as us, 56,000 years late.
#   B, two sections, us then ns:    dpkt and scapy keep the first section's clock for the second.
#   C, an offset of 1780000000 s:   scapy and python-pcapng leave it out: 1970.
# Why it matters here: whoever lays a packet capture beside wirespan's events by time must know whose times they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  dpkt==1.9.8 scapy==2.8.0 python-pcapng==2.1.1
cat > "$folder/clocks.py" <<'PYTHON'
import io
import struct

import dpkt
import pcapng
from scapy.utils import PcapNgReader

SECOND = 1_780_000_000
FRAME = bytes.fromhex("0000000000010000000000020806000108000604000100000000" "0002c0000201000000000000c0000202")


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def interface(resolution, offset=None):
    options = option(9, bytes([resolution]))
    if offset is not None:
        options += option(14, struct.pack("<q", offset))
    return block(1, struct.pack("<HHI", 1, 0, 0) + options + option(0, b""))


def packet(number, ticks):
    head = struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(FRAME), len(FRAME))
    return block(6, head + FRAME)


section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
in_us, in_ns = SECOND * 10**6 + 5, SECOND * 10**9 + 7
files = {
    "A": section + interface(6) + interface(9) + packet(0, in_us) + packet(1, in_ns),
    "B": section + interface(6) + packet(0, in_us) + section + interface(9) + packet(0, in_ns),
    "C": section + interface(6, SECOND) + packet(0, 5),
}
readers = {
    "dpkt": lambda file: [time for time, _ in dpkt.pcapng.Reader(file)],
    "scapy": lambda file: [packet.time for packet in PcapNgReader(file)],
    "python-pcapng": lambda file: [each.timestamp for each in pcapng.FileScanner(file) if hasattr(each, "timestamp")],
}
for name, content in files.items():
    for reader, read in readers.items():
        print(name, reader, *(f"{time:.6f}" for time in read(io.BytesIO(content))))
PYTHON
"$folder/venv/bin/python" "$folder/clocks.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
A dpkt 1780000000.000005 1780000000000.000000
A scapy 1780000000.000005 1780000000.000000
A python-pcapng 1780000000.000005 1780000000.000000
B dpkt 1780000000.000005 1780000000000.000000
B scapy 1780000000.000005 1780000000000.000007
B python-pcapng 1780000000.000005 1780000000.000000
C dpkt 1780000000.000005
C scapy 0.000005
C python-pcapng 0.000005
SEEN
