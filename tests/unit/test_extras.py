"""What needs a package that is not installed says so, and how to get it."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from typing import get_args

import pytest

from timbre import Settings
from timbre.errors import ExtraMissing
from timbre.extras import Extra, needing
from timbre.models.dequantization import in_floats
from timbre.models.store import Store


@pytest.fixture
def without_onnx(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)


def test_the_command_is_for_this_installation():
    expected = f'the package nowhere; get it with `{sys.executable} -m pip install "timbre[conversion]"`.'
    with pytest.raises(ExtraMissing, match=re.escape(expected)), needing("conversion"):
        import nowhere  # noqa: F401, PLC0415


def test_every_extra_that_is_named_exists():
    assert set(get_args(Extra)) <= set(metadata.metadata("timbre").get_all("Provides-Extra"))


def test_a_conversion_says_so_before_anything_is_fetched(tmp_path, without_onnx):
    told = []
    with pytest.raises(ExtraMissing, match=r"timbre\[conversion\]"):
        Store(Settings(models_dir=tmp_path)).pull("ge2e", lambda *report: told.append(report))
    assert not told


def test_a_gpu_without_it_says_so(without_onnx):
    with pytest.raises(ExtraMissing, match=r"timbre\[cuda\]"):
        in_floats(b"")
