"""Whatever comes: readers of voiceprints, transcripts, labels and recordings read it, or refuse it with our own error.

`make fuzz` tries many thousand times as much.
"""

from __future__ import annotations

import base64
import os
from tempfile import NamedTemporaryFile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from media import encoded, tone
from timbre.audio.decoding import open_recording
from timbre.errors import FormatError, InputError, VoiceprintError
from timbre.formats import Format, dumps, read
from timbre.identification.voiceprint import _CHECKSUM, Voiceprint, _checksum
from timbre.settings import Settings
from timbre.transcripts import TranscriptFormat, loads
from timbre.turns import Turn

TIMES = int(os.environ.get("TIMBRE_FUZZ", "25"))
FEWER = max(5, TIMES // 8)  # of what starts a process each time

VOICE = str(
    Voiceprint(prototypes=np.eye(2, 8, dtype=np.float32), seconds=(3.0, 4.0), space="0123456789abcdef", acoustics=())
)
TURNS = (Turn(start=0.5, end=2.0, speaker="Ada"), Turn(start=1.5, end=3.25, speaker="Ben & Co"))
LABELS = {
    form: dumps(TURNS, form, recording="talk", duration=4.0).encode()
    for form in Format
    if form not in {Format.TXT, Format.DOCX}
}
TRANSCRIPTS = (
    "1\n00:00:00,500 --> 00:00:02,000\nHello there\n\n2\n00:00:02,500 --> 00:00:03,000\nYes\n",
    "WEBVTT\n\n00:00.500 --> 00:02.000 align:left\n<v Ada>Hello</v> there\n\nNOTE x\n",
    '{"segments": [{"start": 0.5, "end": 2, "text": "Hello", "words": [{"word": "Hello", "start": 0.5, "end": 1}]}]}',
    '{"results": {"channels": [{"alternatives": [{"words": [{"word": "a", "start": 0, "end": 1}]}]}]}}',
    "[00:00:00.500 --> 00:00:02.000]  Hello there\n[00:00:02.000 --> 00:00:03.000]  Yes\n",
)
SOUNDS = tuple(
    encoded(tone(440, 0.3, 16_000), 16_000, container=container, codec=codec)
    for container, codec in (("wav", "pcm_s16le"), ("flac", "flac"), ("ogg", "libopus"), ("mp4", "aac"), ("mp3", "mp3"))
)


@st.composite
def spoiled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Something good, with parts of it changed, left out, doubled or put elsewhere."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        begin = draw(st.integers(0, max(0, len(content) - 1)))
        end = min(len(content), begin + draw(st.sampled_from([1, 1, 2, 4, 16, 200])))
        put = draw(
            st.one_of(
                st.just(b""),
                st.binary(min_size=1, max_size=8),
                st.just(bytes(content[begin:end] * 2)),
                st.sampled_from(
                    [b"\0" * 4, b"\xff" * 4, b"-1", b"1e999", b"NaN", b"\n\n", b'"', b"{", b"\xe2\x80\xa8"]
                ),
            )
        )
        content[begin:end] = put
    return bytes(content)


@settings(max_examples=TIMES)
@given(st.data())
def test_voiceprints(data: st.DataObject) -> None:
    if data.draw(st.booleans()):  # forged: its checksum fits
        record = data.draw(spoiled(base64.b64decode(VOICE)[:-_CHECKSUM]))
        text = base64.b64encode(record + _checksum(record)).decode()
    else:
        text = data.draw(spoiled(VOICE.encode())).decode("latin-1")
    try:
        read_ = Voiceprint.from_text(text)
    except VoiceprintError:
        return
    assert str(Voiceprint.from_text(str(read_))) == str(read_)


@settings(max_examples=TIMES)
@given(st.data())
def test_transcripts(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(TRANSCRIPTS)).encode()
    text = data.draw(spoiled(whole)).decode("utf-8", "surrogateescape" if data.draw(st.booleans()) else "replace")
    form = data.draw(st.sampled_from([None, *TranscriptFormat]))
    try:
        transcript = loads(text, form)
    except FormatError:
        return
    assert all(
        segment.start <= segment.end for segment in transcript.segments if None not in (segment.start, segment.end)
    )


@settings(max_examples=TIMES)
@given(st.data())
def test_labels(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(sorted(LABELS)))
    with NamedTemporaryFile(suffix=form.extension) as file:
        file.write(data.draw(spoiled(LABELS[form])))
        file.flush()
        try:
            turns = read(file.name)
        except FormatError:
            return
    assert all(0 <= turn.start <= turn.end < float("inf") for turn in turns)


@settings(max_examples=FEWER)
@given(st.data())
def test_recordings(data: st.DataObject) -> None:
    sound = data.draw(spoiled(data.draw(st.sampled_from(SOUNDS))))
    try:
        with open_recording(sound, settings=Settings(decode_seconds=20)) as recording:
            assert recording.samples <= 60 * 16_000 * 60 * 24
            assert np.isfinite(recording.read(0, 16_000)).all()
    except InputError:
        return
