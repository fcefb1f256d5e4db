#!/usr/bin/env bash
# What: when the sequence numbers of a connection pass 2^32 in the middle of a message, scapy's reassembly returns nothing of it from there on.
#   scapy 2.8.0. TCPSession.process() takes the first number of a message away from the others as plain numbers, not modulo 2^32. What
#   comes after the wrap is then 4 GB before the message, StringBuffer.append() leaves it out (two or three lines of a log say "further than
#   allowed per 'max_gap'", of no connection), and all later messages with it, since this one is never complete. Numbers begin anywhere: of
#   connections that carry 400 MB one of ten passes 2^32, of those that carry 4 GB each.
# Seen: 20 answers of HTTP on one connection, two segments each. Numbers from 1000: 20 answers. From where the tenth answer passes
#   2^32, the rest byte for byte the same: 9. From where they pass between two answers: 20.
# Why it matters here: who counts requests or bytes in a capture, to lay them beside wirespan's exchanges, has those up to the wrap;
#   the connections that last longest lose most.
# Needs Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scapy==2.8.0
cat > answers.py <<'PY'
from scapy.layers.http import HTTPResponse
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.sendrecv import sniff
from scapy.sessions import TCPSession
from scapy.utils import wrpcap

MODULUS = 2**32
SEGMENT = 1400
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(2000)


def count(first):
    """Writes the connection whose first byte has this number, and counts the answers that are read from it."""
    packets = []
    for answer in range(20):
        for offset in range(0, len(ANSWER), SEGMENT):
            number = (first + answer * len(ANSWER) + offset) % MODULUS
            ethernet = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
            tcp = TCP(sport=80, dport=40000, seq=number, ack=1, flags="PA")
            data = ANSWER[offset : offset + SEGMENT]
            packets.append(ethernet / IP(src="192.0.2.1", dst="192.0.2.2") / tcp / Raw(data))
    wrpcap("connection.pcap", packets)
    read = sniff(offline="connection.pcap", session=TCPSession, quiet=True)
    return sum(HTTPResponse in packet for packet in read)


print("from 1000:", count(1000))
print("passing 2^32 in the tenth answer:", count(MODULUS - 9 * len(ANSWER) - 1000))
print("passing 2^32 after the tenth answer:", count(MODULUS - 10 * len(ANSWER)))
PY
venv/bin/python answers.py 2> log | tee seen
diff seen - <<'SEEN'
from 1000: 20
passing 2^32 in the tenth answer: 9
passing 2^32 after the tenth answer: 20
SEEN
