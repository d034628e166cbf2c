"""The same with the official SDK of pyannoteAI, as it comes: one line says where the server is.

TIMBRE_URL=http://127.0.0.1:8000 PYANNOTEAI_API_KEY=sk_… python sdk.py conversation.ogg Ada=ada.flac Ben=ben.flac
"""

import os
import sys

from pyannoteai.sdk import Client

Client.API_URL = f"{os.environ['TIMBRE_URL']}/v1"

client = Client()
conversation, *people = sys.argv[1:]
voiceprints = {}
for person in people:
    label, path = person.split("=", 1)
    job = client.retrieve(client.voiceprint(client.upload(path)), every_seconds=1)
    voiceprints[label] = job["output"]["voiceprint"]

job = client.retrieve(client.identify(client.upload(conversation), voiceprints, matching_threshold=50), every_seconds=1)
for turn in job["output"]["identification"]:
    print(f"{turn['speaker']} {turn['start']:.3f} {turn['end']:.3f}")
