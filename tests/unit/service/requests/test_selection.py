"""Which people are meant: what is sent, what is kept, what is refused."""

import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from timbre.service.requests.selection import MOST_SPEAKERS, MOST_TAGS, Selection, Speakers
from timbre.service.requests.values import LONGEST_TAG

WIRE = TypeAdapter(Speakers)
ADA, BEN = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("all", Selection()),
        ([str(ADA), str(BEN)], Selection(ids=(ADA, BEN))),
        ([ADA.hex.upper()], Selection(ids=(ADA,))),
        ({"tags": ["board", "uk", "board"]}, Selection(tags=("board", "uk", "board"))),
        ({"tags": ["x"], "more": 1}, Selection(tags=("x",))),
    ],
)
def test_what_is_sent(sent, meant):
    assert WIRE.validate_python(sent) == meant


@pytest.mark.parametrize(
    ("sent", "at", "message"),
    [
        ("every", "", "Expected an object"),
        (None, "", "got null"),
        (7, "", "got 7"),
        ({}, "", "got an object"),
        ({"tags": None}, "", "got an object"),
        ([], "", "Expected 1 to 10000 ids of people, got 0"),
        ([str(ADA)] * (MOST_SPEAKERS + 1), "", "got 10001"),
        ([str(ADA), "Ada"], "1", "Expected the id of a person"),
        ([None], "0", "got null"),
        ({"tags": "board"}, "tags", "Expected a list of tags"),
        ({"tags": []}, "tags", "Expected 1 to 20 tags, got 0"),
        ({"tags": ["x"] * (MOST_TAGS + 1)}, "tags", "got 21"),
        ({"tags": ["x", ""]}, "tags.1", "Expected a tag"),
        ({"tags": ["x" * (LONGEST_TAG + 1)]}, "tags.0", "Expected a tag"),
        ({"tags": ["a\0b"]}, "tags.0", "Expected a tag"),
        ({"tags": [1]}, "tags.0", "Expected a tag"),
    ],
)
def test_what_is_refused(sent, at, message):
    with pytest.raises(ValidationError) as refused:
        WIRE.validate_python(sent)
    (error,) = refused.value.errors()
    assert error["ctx"]["at"] == at
    assert message in error["ctx"]["message"]


SELECTIONS = st.one_of(
    st.just(Selection()),
    st.builds(lambda ids: Selection(ids=tuple(ids)), st.lists(st.uuids(), min_size=1, max_size=9)),
    st.builds(
        lambda tags: Selection(tags=tuple(tags)),
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=LONGEST_TAG),
            min_size=1,
            max_size=MOST_TAGS,
            unique=True,
        ),
    ),
)


@given(SELECTIONS)
def test_it_is_kept_as_it_is_sent(selection):
    kept = json.loads(WIRE.dump_json(selection))
    assert WIRE.validate_python(kept) == selection
    assert kept == json.loads(json.dumps(selection.to_json()))
