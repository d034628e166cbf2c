"""Keys, sealing and rotations: what opens what, what stays as it is, and what tells nothing."""

from __future__ import annotations

import base64
import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbre import Settings
from timbre.errors import MasterKeyInvalid, MasterKeyMissing, TemplateUnreadable
from timbre.service.keys.encryption import open_sealed, seal
from timbre.service.keys.master_key import MasterKey, MasterKeys, key_file
from timbre.service.keys.template_protection import TeamCipher
from timbre.store.identifiers import new_id

DIMENSION = 256
KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def people(number: int, seed: int, dimension: int = DIMENSION) -> np.ndarray:
    """Unit rows."""
    rows = np.random.default_rng(seed).normal(size=(number, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def text(*keys: bytes) -> str:
    return ",".join(base64.b64encode(key).decode() for key in keys)


@given(st.binary(max_size=5000), st.binary(max_size=40))
def test_what_is_sealed_opens_with_its_key_about_the_same_alone(plain, about):
    sealed = seal(KEY, plain, about)
    assert open_sealed(KEY, sealed, about) == plain
    assert len(sealed) == len(plain) + 12 + 16
    for key, wrong in ((OTHER, about), (KEY, about + b"x")):
        with pytest.raises(TemplateUnreadable):
            open_sealed(key, sealed, wrong)


@given(st.integers(0, 59), st.integers(0, 7))
def test_what_was_changed_does_not_open(place, bit):
    sealed = bytearray(seal(KEY, b"x" * 32, b"about"))
    sealed[place] ^= 1 << bit
    with pytest.raises(TemplateUnreadable):
        open_sealed(KEY, bytes(sealed), b"about")


@pytest.mark.parametrize("length", [0, 1, 11, 12, 27, 59])
def test_what_was_cut_does_not_open(length):
    with pytest.raises(TemplateUnreadable):
        open_sealed(KEY, seal(KEY, b"x" * 32, b"about")[:length], b"about")


def test_equal_templates_are_sealed_differently():
    cipher, about = TeamCipher(KEY), new_id()
    assert len({cipher.seal(b"template", about) for _ in range(100)}) == 100


def test_a_template_belongs_to_its_team_its_record_and_its_place():
    cipher, about = TeamCipher(KEY), new_id()
    sealed = cipher.seal(b"template", about)
    assert cipher.open(sealed, about) == b"template"
    assert TeamCipher(KEY).open(sealed, about) == b"template"
    for other, id_, part in ((TeamCipher(OTHER), about, ""), (cipher, new_id(), ""), (cipher, about, "clip")):
        with pytest.raises(TemplateUnreadable):
            other.open(sealed, id_, part=part)


def test_a_teams_key_cannot_be_given_to_another_team():
    team = new_id()
    wrapped = MasterKey(KEY).wrap(team, b"team key")
    assert MasterKey(KEY).unwrap(team, wrapped) == b"team key"
    for master, whose in ((MasterKey(OTHER), team), (MasterKey(KEY), new_id())):
        with pytest.raises(TemplateUnreadable):
            master.unwrap(whose, wrapped)
    assert MasterKey(KEY).fingerprint != MasterKey(OTHER).fingerprint


@pytest.mark.parametrize("dimension", [2, 192, 256])
def test_a_rotation_leaves_every_cosine_as_it_is(dimension):
    cipher, voices = TeamCipher(KEY), people(300, 1, dimension)
    turned = cipher.turn(voices)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(turned, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(turned @ turned.T, voices @ voices.T, atol=1e-5)
    np.testing.assert_allclose(cipher.turn_back(turned), voices, atol=1e-5)
    np.testing.assert_allclose(cipher.turn(voices[0]), turned[0], atol=1e-6)


def test_halves_of_the_precision_are_enough_for_search():
    voices = people(300, 2)
    halves = TeamCipher(KEY).turn(voices).astype(np.float16).astype(np.float64)
    error = halves @ halves.T - (voices @ voices.T).astype(np.float64)
    off = error[~np.eye(len(voices), dtype=bool)]
    assert np.sqrt(np.mean(off**2)) < 2e-5
    assert np.abs(off).max() < 1e-4


def test_replacing_keys_again_and_again_moves_no_cosine():
    """Each replacement turns what is kept in half precision, and rounds once more."""
    voices = people(200, 3)
    kept, cipher = TeamCipher(KEY).turn(voices).astype(np.float16), TeamCipher(KEY)
    for number in range(1, 21):
        new = TeamCipher(bytes([number]) * 32)
        kept = new.turn(cipher.turn_back(kept.astype(np.float32))).astype(np.float16)
        cipher = new
    halves = kept.astype(np.float64)
    off = (halves @ halves.T - voices @ voices.T)[~np.eye(len(voices), dtype=bool)]
    assert np.abs(off).max() < 5e-4


def test_a_rotation_is_the_same_wherever_it_is_drawn():
    """A server of another machine, or a later version, must find what this one turned."""
    corner = TeamCipher(KEY).turn(np.eye(DIMENSION, dtype=np.float32))[:2, :3]
    np.testing.assert_allclose(
        corner, [[-0.0597056, -0.0008392, 0.0351490], [-0.0120546, 0.1513191, 0.0544801]], atol=1e-6
    )
    small = TeamCipher(KEY).turn(np.eye(2, dtype=np.float32))
    np.testing.assert_allclose(small, [[0.9332299, -0.3592798], [-0.3592798, -0.9332299]], atol=1e-6)


def test_rotations_are_uniform_enough():
    """An entry of a random rotation has mean 0 and is as a coordinate of a point on a sphere: none is preferred."""
    entries = np.array([TeamCipher(bytes([n]) * 32).turn(np.eye(64, dtype=np.float32)) for n in range(100)])
    assert np.abs(entries.mean(axis=0)).max() < 0.06  # standard error 0.0125; 4096 entries
    np.testing.assert_allclose((entries**4).mean(), 3 / (64 * 66), rtol=0.02)  # of a sphere's coordinates


def test_one_person_cannot_be_linked_across_teams_by_their_vector():
    """What one person's vectors in two teams have in common is what two strangers' have: chance."""
    voices = people(400, 4)
    left, right = (TeamCipher(key).turn(voices) for key in (KEY, OTHER))
    same = np.sum(left * right, axis=1)
    strangers = np.sum(left * np.roll(right, 1, axis=0), axis=1)
    for cosines in (same, strangers):
        assert abs(cosines.mean()) < 4 / np.sqrt(DIMENSION * len(voices))
        np.testing.assert_allclose(cosines.std(), 1 / np.sqrt(DIMENSION), rtol=0.15)
    best = np.argmax(left @ right.T, axis=1)
    assert np.mean(best == np.arange(len(voices))) < 0.02  # 1 in 400 by chance
    unturned = np.sum(left * voices, axis=1)
    assert abs(unturned.mean()) < 4 / np.sqrt(DIMENSION * len(voices))


def test_what_a_rotation_does_not_hide():
    """Documented: known pairs, as many as there are dimensions, give the rotation away."""
    cipher, known, unknown = TeamCipher(KEY), people(DIMENSION, 5), people(10, 6)
    rotation, *_ = np.linalg.lstsq(known, cipher.turn(known), rcond=None)
    stolen = cipher.turn(unknown)
    np.testing.assert_allclose(stolen @ np.linalg.pinv(rotation), unknown, atol=1e-2)


def test_keys_show_in_no_representation():
    for secret in (MasterKey(KEY), MasterKeys((MasterKey(KEY),)), TeamCipher(KEY), Settings(master_key=text(KEY))):
        shown = f"{secret!r} {secret}"
        assert text(KEY) not in shown
        assert repr(KEY)[2:10] not in shown


def test_the_setting_goes_before_the_file(tmp_path):
    (tmp_path / "key").write_text(text(OTHER))
    assert MasterKeys.load(Settings(master_key_file=tmp_path / "key")).current.key == OTHER
    both = Settings(master_key=text(KEY), master_key_file=tmp_path / "key")
    assert MasterKeys.load(both).current.key == KEY


def test_a_file_is_made_once_for_its_owner_alone(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    with pytest.raises(MasterKeyMissing):
        MasterKeys.load(settings)
    made = MasterKeys.make(settings)
    assert MasterKeys.make(settings) == made == MasterKeys.load(settings)
    file = key_file(settings)
    assert file == tmp_path / "data" / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_several_keys_stand_in_order(tmp_path):
    settings = Settings(data_dir=tmp_path)
    MasterKeys.make(settings)
    keys = MasterKeys((MasterKey(KEY), MasterKey(OTHER)))
    keys.save(settings)
    assert MasterKeys.load(settings) == keys
    assert MasterKeys.load(Settings(master_key=text(KEY, OTHER))) == keys
    assert keys.current.key == KEY
    assert keys.find(MasterKey(OTHER).fingerprint).key == OTHER
    with pytest.raises(TemplateUnreadable):
        keys.find("0" * 16)
    assert stat.S_IMODE(key_file(settings).stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [key_file(settings)]


@pytest.mark.parametrize("wrong", ["secret", text(b"short"), text(KEY * 2), text(KEY)[:-1], text(KEY) + " x", "ä"])
def test_what_is_no_key_is_refused_without_repeating_it(wrong, tmp_path):
    (tmp_path / "key").write_text(wrong)
    for settings in (Settings(master_key=wrong), Settings(master_key_file=tmp_path / "key")):
        with pytest.raises(MasterKeyInvalid) as refused:
            MasterKeys.load(settings)
        assert not wrong or wrong not in str(refused.value)
        assert "openssl rand -base64 32" in str(refused.value)


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(MasterKeyInvalid, match=r"cannot be used \(it is a folder\)"):
        MasterKeys.load(Settings(master_key_file=tmp_path))
    (tmp_path / "file").touch()
    with pytest.raises(MasterKeyInvalid, match=r"cannot be used \(.* is not a folder\)"):
        MasterKeys.make(Settings(master_key_file=tmp_path / "file" / "key"))
