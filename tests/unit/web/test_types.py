"""The web app's types of the API are those of the API."""

from __future__ import annotations

import importlib.util
from pathlib import Path

WEB = Path(__file__).parents[3] / "web"


def test_the_types_are_made_from_the_api_as_it_is():
    spec = importlib.util.spec_from_file_location("make_types", WEB / "make_types.py")
    assert spec
    assert spec.loader
    make_types = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_types)
    first, _, types = make_types.FILE.read_text("utf-8").partition("\n")
    assert f"{first}\n" == make_types.heading(make_types.document()), "the API has changed; run `make web-types`"
    assert "export interface paths" in types
