"""Learn people's voices, then say who speaks in a conversation.

TIMBRE_URL=http://127.0.0.1:8000 TIMBRE_KEY=sk_… python tutorial.py conversation.ogg Ada=ada.flac Ben=ben.flac
"""

import os
import sys
import time

import requests

URL = os.environ["TIMBRE_URL"]
HEADERS = {"Authorization": f"Bearer {os.environ['TIMBRE_KEY']}"}


def upload(path: str, name: str) -> str:
    """Upload a recording; return the address that jobs know it by."""
    media = f"media://tutorial/{name}"
    answer = requests.post(f"{URL}/v1/media/input", json={"url": media}, headers=HEADERS, timeout=60)
    if answer.status_code != 201:
        sys.exit(f"upload: {answer.status_code} {answer.text}")
    with open(path, "rb") as recording:
        requests.put(answer.json()["url"], data=recording, timeout=600).raise_for_status()
    return media


def submit(kind: str, body: dict) -> str:
    """Submit a job; return its id."""
    answer = requests.post(f"{URL}/v1/{kind}", json=body, headers=HEADERS, timeout=60)
    if answer.status_code != 200:
        sys.exit(f"{kind}: {answer.status_code} {answer.text}")
    return answer.json()["jobId"]


def output(job: str) -> dict:
    """Wait until a job has ended; return its output."""
    while True:
        answer = requests.get(f"{URL}/v1/jobs/{job}", headers=HEADERS, timeout=60)
        if answer.status_code != 200:
            sys.exit(f"job: {answer.status_code} {answer.text}")
        if answer.json()["status"] == "succeeded":
            return answer.json()["output"]
        if answer.json()["status"] in {"failed", "canceled"}:
            sys.exit(f"{answer.json()['status']}: {answer.json()['output']['error']}")
        time.sleep(0.5)


conversation, *people = sys.argv[1:]
voiceprints = []
for person in people:
    label, path = person.split("=", 1)
    job = submit("voiceprint", {"url": upload(path, label)})
    voiceprints.append({"label": label, "voiceprint": output(job)["voiceprint"]})

job = submit(
    "identify",
    {"url": upload(conversation, "conversation"), "voiceprints": voiceprints, "matching": {"threshold": 50}},
)
for turn in output(job)["identification"]:
    print(f"{turn['speaker']} {turn['start']:.3f} {turn['end']:.3f}")
