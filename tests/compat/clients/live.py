"""Say who speaks in a recording while it plays: raw float32 samples of 16 kHz, one channel, in a file.

TIMBRE_URL=http://127.0.0.1:8000 TIMBRE_KEY=sk_… python live.py conversation.f32

Needs websocket-client. The last chunk is filled up with zeros; any error ends it; the server closes.
"""

import json
import os
import sys
import threading
import time
import urllib.request

import websocket

CHUNK = 6400  # bytes: 100 ms

asked = urllib.request.Request(
    f"{os.environ['TIMBRE_URL']}/v1/live",
    method="POST",
    headers={"Authorization": f"Bearer {os.environ['TIMBRE_KEY']}"},
)
with urllib.request.urlopen(asked) as answer:
    stream = json.load(answer)
socket = websocket.create_connection(stream["url"])


def send():
    with open(sys.argv[1], "rb") as sound:
        began, number = time.monotonic(), 0
        while chunk := sound.read(CHUNK):
            time.sleep(max(0, began + number * 0.1 - time.monotonic()))
            socket.send_binary(chunk.ljust(CHUNK, b"\0"))
            number += 1
    socket.send(json.dumps({"type": "end_of_stream"}))


sending = threading.Thread(target=send)
sending.start()
starts = {}
while True:
    kind, data = socket.recv_data()
    if kind == websocket.ABNF.OPCODE_CLOSE:
        print("closed", int.from_bytes(data[:2]))
        break
    message = json.loads(data)
    if message["type"] == "error":
        raise SystemExit(message["message"])
    speaker, timestamp = message["data"]["speaker"], message["data"]["timestamp"]
    if message["type"] == "diarization_speaker_start":
        starts[speaker] = timestamp
    elif message["type"] == "diarization_speaker_end":
        print(speaker, starts.pop(speaker), timestamp)
sending.join()
socket.shutdown()
