"""ELAN annotations (Max Planck Institute for Psycholinguistics, EAF 3.0, 2017).

One tier a speaker, with the name as its participant; an annotation reads what is said, and is empty where that is not
known. Tiers are independent, so speakers may overlap; within a tier ELAN allows no overlap, so a speaker's turns that
overlap each other are written as one. Times are whole milliseconds. XML has no control characters, so those in a name
are percent-encoded (`%0A`), and decoded when reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from timbre.errors import FormatError
from timbre.formats.escaping import percent_decode, percent_encode
from timbre.formats.fields import Place, by_speaker, lasting, one_line
from timbre.turns import Turn

_UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|%(?=[0-9A-Fa-f]{2})")
_TYPE: Final = "speech"
_SCHEMA: Final = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_DATE: Final = "1970-01-01T00:00:00Z"  # there has to be one, and equal turns give equal files
_ALL_CONSTRAINTS: Final = (
    ("Time_Subdivision", "Time subdivision of parent annotation's time interval, no time gaps allowed"),
    ("Symbolic_Subdivision", "Symbolic subdivision of a parent annotation"),
    ("Symbolic_Association", "1-1 association with a parent annotation"),
    ("Included_In", "Time alignable annotations within the parent annotation's time interval, gaps are allowed"),
)


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - EAF states neither
    """Write a tier a speaker."""
    tiers = by_speaker(turns)
    spoken = [turn for tier in tiers.values() for turn in tier]
    slots = "".join(
        f'        <TIME_SLOT TIME_SLOT_ID="ts{number}" TIME_VALUE="{round(time * 1000)}"/>\n'
        for number, time in enumerate((time for turn in spoken for time in (turn.start, turn.end)), start=1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ANNOTATION_DOCUMENT AUTHOR="" DATE="{_DATE}" FORMAT="3.0" VERSION="3.0"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:noNamespaceSchemaLocation="{_SCHEMA}">\n'
        '    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n'
        f'        <PROPERTY NAME="lastUsedAnnotationId">{len(spoken)}</PROPERTY>\n    </HEADER>\n'
        f"    <TIME_ORDER>\n{slots}    </TIME_ORDER>\n"
        + "".join(_tiers(tiers))
        + f'    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="{_TYPE}" TIME_ALIGNABLE="true"/>\n'
        + "".join(f'    <CONSTRAINT DESCRIPTION="{text}" STEREOTYPE="{name}"/>\n' for name, text in _ALL_CONSTRAINTS)
        + "</ANNOTATION_DOCUMENT>\n"
    )


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from every annotation that has times of its own, spoken by the participant of its tier or its name.

    Annotations that refer to others, and those whose times ELAN derives from others, are passed over.

    Raises:
        FormatError: this is no EAF, or something in it is missing or malformed.
    """
    if "<!DOCTYPE" in text:
        raise FormatError("EAF: expected no document type, got <!DOCTYPE; save the file with ELAN")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities
    except (ET.ParseError, ValueError) as error:
        raise FormatError(f"EAF: expected XML, got a fault: {error}") from error
    if root.tag != "ANNOTATION_DOCUMENT":
        raise Place("EAF").error("the element ANNOTATION_DOCUMENT", root.tag)
    slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iterfind("TIME_ORDER/TIME_SLOT")}
    return lasting(turn for tier in root.iterfind("TIER") for turn in _read_tier(tier, slots))


def _tiers(tiers: dict[str, list[Turn]]) -> Iterator[str]:
    ids: set[str] = set()
    number = 0
    for name, turns in tiers.items():
        person = percent_encode(name, _UNWRITABLE)
        id_ = person.strip() or "-"  # ELAN has no tier without a name, and no two of one
        while id_ in ids:
            id_ += "'"
        ids.add(id_)
        yield f'    <TIER LINGUISTIC_TYPE_REF="{_TYPE}" PARTICIPANT={quoteattr(person)} TIER_ID={quoteattr(id_)}>\n'
        for turn in turns:
            number += 1
            said = escape(percent_encode(one_line(turn.text), _UNWRITABLE))
            yield (
                f'        <ANNOTATION>\n            <ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number}"'
                f' TIME_SLOT_REF1="ts{2 * number - 1}" TIME_SLOT_REF2="ts{2 * number}">\n'
                f"                <ANNOTATION_VALUE>{said}</ANNOTATION_VALUE>\n"
                "            </ALIGNABLE_ANNOTATION>\n        </ANNOTATION>\n"
            )
        yield "    </TIER>\n"


def _read_tier(tier: ET.Element, slots: dict[str | None, str | None]) -> Iterator[Turn]:
    name = tier.get("PARTICIPANT", tier.get("TIER_ID"))
    if name is None:
        raise Place("EAF").error("a TIER with a TIER_ID", tier.attrib)
    for annotation in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
        place = Place(f"EAF, annotation {annotation.get('ANNOTATION_ID')}")
        refs = [annotation.get("TIME_SLOT_REF1"), annotation.get("TIME_SLOT_REF2")]
        if any(ref not in slots for ref in refs):
            raise place.error("two time slots of TIME_ORDER", refs)
        start, end = (slots[ref] for ref in refs)
        if start is not None and end is not None:
            begin, stop = (place.number(value, "a time in milliseconds") / 1000 for value in (start, end))
            yield place.turn(begin, stop, percent_decode(name))
