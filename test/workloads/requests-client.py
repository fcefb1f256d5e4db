"""requests-client.py PORT SESSIONS VALUE...: so many sessions of Requests at a time, which share a POST for each `traceparent` value."""

import sys
import threading

import requests

port, sessions, values = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]


def work(own):
    with requests.Session() as session:
        for value in own:
            url = f"http://127.0.0.1:{port}/a"
            session.post(url, data="b" * 1_000, headers={"traceparent": value}, timeout=30).raise_for_status()


threads = [threading.Thread(target=work, args=(values[i::sessions],)) for i in range(sessions)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
