"""The catalogue that comes with Timbre is whole and consistent."""

from __future__ import annotations

import hashlib
import re
from importlib import resources

import pytest

from timbre.errors import ModelUnknown
from timbre.models.catalogue import HubSource, WheelSource, catalogue, read_catalogue

FILES = catalogue().files.values()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_pinned_and_licensed(file):
    assert re.fullmatch("[0-9a-f]{64}", file.sha256)
    assert file.licence in {"MIT", "Apache-2.0", "CC-BY-4.0"}
    assert bool(file.sources) != file.shipped
    for source in file.sources:
        if isinstance(source, WheelSource):
            assert re.fullmatch(r"[a-z-]+==[\d.]+", source.wheel)
            assert re.fullmatch("[0-9a-f]{64}", source.wheel_sha256)


def test_no_two_files_are_one():
    assert len({file.sha256 for file in FILES}) == len(FILES)


def test_packs_go_from_the_best_to_the_simplest():
    names = [*catalogue().packs]
    assert names[0] == "best"
    assert names.index("standard") < names.index("base-segmented") < names.index("base")
    assert names[-2:] == ["base", "ge2e"]  # so `auto` never chooses the encoder that base had before


def test_base_needs_nothing_but_timbre():
    base = catalogue().pack("base")
    assert not base.segmenters
    assert {*base.files, *base.earlier} == {file for file in FILES if file.shipped}


def test_what_comes_with_timbre_is_there_with_its_origin_and_licence():
    folder = resources.files("timbre.models") / "shipped"
    shipped = [file for file in FILES if file.shipped]
    assert {entry.name for entry in folder.iterdir()} == {"README.md", *(file.filename for file in shipped)}
    for file in shipped:
        content = (folder / file.filename).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.bytes, file.sha256)
        assert f"\n## {file.filename}\n" in (folder / "README.md").read_text()


def test_every_file_belongs_to_a_pack_that_brings_it():
    for file in FILES:
        pack = catalogue().pack(catalogue().pack_with(file))
        assert file in (*pack.files, *pack.earlier)
    assert catalogue().pack_with(catalogue().file("ge2e")) == "ge2e"


def test_an_encoder_that_gave_way_stays_and_is_found_by_its_pack():
    text = resources.files("timbre.models").joinpath("catalogue.toml").read_text("utf-8")
    table = text[text.index("[packs.ge2e]") : text.index('[files."silero-vad-6"]')]
    after = read_catalogue(
        text.replace(table, table.replace('encoder = "ge2e"', 'encoder = "redimnet2-b3"\nearlier = ["ge2e"]'))
    )
    ge2e = after.file("ge2e")
    assert after.pack("ge2e").earlier == (ge2e,)
    assert ge2e not in after.pack("ge2e").files
    assert ge2e in after.encoders
    assert after.pack_with(ge2e) == "ge2e"
    assert after.pack_with(after.file("redimnet2-b3")) == "ge2e"  # the simplest that uses it


def test_unknown_names_are_answered_with_the_known():
    with pytest.raises(ModelUnknown, match="base-segmented"):
        catalogue().pack("basic")
    with pytest.raises(ModelUnknown, match="silero-vad-6"):
        catalogue().file("silero")


def test_fingerprints_are_the_first_eight_bytes_of_the_checksum():
    assert all(len(bytes.fromhex(file.fingerprint)) == 8 for file in FILES)
    assert len({file.fingerprint for file in FILES}) == len(FILES)


def test_a_hub_source_may_leave_the_name_to_the_checksum():
    (source,) = catalogue().file("redimnet2-b6").sources
    assert isinstance(source, HubSource)
    assert source.member is None


def test_a_field_that_does_not_exist_is_refused():
    with pytest.raises(TypeError, match="colour"):
        read_catalogue('[packs]\n[files.a]\nkind="vad"\nlicence="MIT"\nsha256="0"\nsources=[]\ncolour="red"')
