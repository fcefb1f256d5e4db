"""A terminal for one command, which leads its session: python3 terminal.py COMMAND...

Reads commands from stdin, a line each: `type HEX` (keys), `read` (from now on what is shown is taken from it; at
first it is not), `hangup`. Its end is the end of the command too. Writes JSON lines: {"pid"}, {"text"}, {"status"}.
"""

import json
import os
import pty
import select
import signal
import sys


def say(**words):
    print(json.dumps(words), flush=True)


def main():
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    say(pid=pid)
    reads = False
    rest = b""
    while True:
        fds = [0] + ([master] if reads and master is not None else [])
        ready, _, _ = select.select(fds, [], [], 0.02)
        if master is not None and master in ready:
            try:
                say(text=os.read(master, 65536).decode("utf-8", "replace"))
            except OSError:
                reads = False
        elif 0 in ready:
            data = os.read(0, 65536)
            if not data:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                word, _, argument = line.decode().partition(" ")
                if word == "type":
                    os.write(master, bytes.fromhex(argument))
                elif word == "read":
                    reads = True
                elif word == "hangup":
                    os.close(master)
                    master = None
        elif os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            _, status = os.waitpid(pid, 0)
            say(status=os.waitstatus_to_exitcode(status))
            return


main()
