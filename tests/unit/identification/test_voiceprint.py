"""The text of a voiceprint survives what happens to text, and everything else is refused with a reason."""

import base64
import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest

from timbre.audio.acoustics import Acoustics
from timbre.errors import VoiceprintMalformed
from timbre.identification.voiceprint import MOST_PROTOTYPES, Voiceprint
from timbre.models.same_voice import unit

SPACE = "0123456789abcdef"


def voiceprint(prototypes: int = 2, dimension: int = 256) -> Voiceprint:
    vectors = unit(np.random.default_rng(1).standard_normal((prototypes, dimension)).astype(np.float32))
    return Voiceprint(
        prototypes=vectors.astype(np.float16).astype(np.float32),
        seconds=tuple(np.float32(10.5 + number).item() for number in range(prototypes)),
        space=SPACE,
    )


def test_the_text_holds_everything() -> None:
    original = voiceprint()
    read = Voiceprint.from_text(str(original))
    assert (read.prototypes == original.prototypes).all()
    assert (read.seconds, read.space) == (original.seconds, SPACE)
    assert read.speech_seconds == 22.0
    assert np.linalg.norm(read.embedding) == pytest.approx(1.0, abs=1e-6)


def test_padding_and_white_space_do_not_matter() -> None:
    text = str(voiceprint(dimension=192))
    assert text.endswith("=")
    mangled = "  " + text.rstrip("=")[:40] + "\n " + text.rstrip("=")[40:] + "\r\n"
    assert str(Voiceprint.from_text(mangled)) == text


def test_the_largest_voiceprint_fits_into_what_the_api_allows() -> None:
    assert len(str(voiceprint(MOST_PROTOTYPES))) <= 20_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a voiceprint made by Timbre"),
        ("aGVsbG8gd29ybGQ", "other services"),
        ("not base64 at all!", "base64"),
        ("ümlaut", "base64"),
        (base64.b64encode(b"TMBR" + bytes(40)).decode(), "checksum"),
    ],
)
def test_foreign_text_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(VoiceprintMalformed, match=reason):
        Voiceprint.from_text(text)


@pytest.mark.parametrize("kept", [20, 100, 600])
def test_cut_text_is_refused(kept: int) -> None:
    with pytest.raises(VoiceprintMalformed):
        Voiceprint.from_text(str(voiceprint())[:kept])


def test_any_changed_character_is_noticed() -> None:
    text = str(voiceprint())
    for position in range(0, len(text) - 4, 97):
        other = "A" if text[position] != "A" else "B"
        with pytest.raises(VoiceprintMalformed):
            Voiceprint.from_text(text[:position] + other + text[position + 1 :])


def test_files_say_which_file_is_wrong(tmp_path) -> None:
    path = tmp_path / "ada.voiceprint"
    voiceprint().save(path)
    assert str(Voiceprint.load(path)) == str(voiceprint())
    path.write_bytes(b"RIFF\xff\xfe")
    with pytest.raises(VoiceprintMalformed, match=r"ada\.voiceprint is not a voiceprint"):
        Voiceprint.load(path)
    with pytest.raises(VoiceprintMalformed, match="No such file"):
        Voiceprint.load(tmp_path / "nobody.voiceprint")


def test_channel_and_noise_are_kept_and_unknown_stays_unknown() -> None:
    original = replace(voiceprint(), acoustics=(Acoustics(telephone=0.25, snr=-3.0), Acoustics()))
    read = Voiceprint.from_text(str(original))
    assert read.acoustics == original.acoustics
    assert read.condition == Acoustics(telephone=0.25, snr=-3.0)
    assert Voiceprint.from_text(str(voiceprint())).condition == Acoustics()


def test_version_1_is_read_with_nothing_known_of_channel_and_noise() -> None:
    original = voiceprint()
    record = struct.pack("<4sB8sBH", b"TMBR", 1, bytes.fromhex(SPACE), 2, 256)
    for seconds, vector in zip(original.seconds, original.prototypes, strict=True):
        record += struct.pack("<f", seconds) + vector.astype("<f2").tobytes()
    read = Voiceprint.from_text(base64.b64encode(record + hashlib.sha256(record).digest()[:4]).decode())
    assert (read.prototypes == original.prototypes).all()
    assert (read.seconds, read.acoustics, read.condition) == (original.seconds, (), Acoustics())


def test_a_later_version_asks_for_an_upgrade() -> None:
    record = struct.pack("<4sB8sBH", b"TMBR", 3, bytes.fromhex(SPACE), 1, 4) + bytes(14)
    with pytest.raises(VoiceprintMalformed, match="version 3; this Timbre reads versions up to 2"):
        Voiceprint.from_text(base64.b64encode(record + hashlib.sha256(record).digest()[:4]).decode())
