"""What one value of a request may be: each type here reads a value as it came in JSON, and says what is wrong with it.

A refusal is a `PydanticCustomError` whose context holds the `message` in plain words and, where the fault lies
deeper than the value itself, the path to it as `at`. Whatever is accepted can be kept as `jsonb`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, NoReturn

import httpx
from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from timbre.names import LONGEST_NAME, fault_of

LONGEST_URL: Final = 8192  # characters, as the following lengths
LONGEST_WEBHOOK: Final = 2048
LONGEST_MEDIA_URL: Final = 255
LONGEST_TAG: Final = 50
LONGEST_TITLE: Final = 200
MOST_TAGS: Final = 20  # that a person or a recording bears, or that one request names
LONGEST_SPEAKER: Final = 20
LONGEST_VOICEPRINT: Final = 20_000
LONGEST_TOKEN: Final = 200
MOST_VOICEPRINTS: Final = 50
SPEAKER_PATTERN: Final = "^SPEAKER_[0-9]+$"
CHANNELS: Final = ("mixed", "separate")
HIGHEST_TRACK: Final = 255  # number of a sound track of a file

_MEDIA_PATTERN: Final = r"^media://[a-zA-Z0-9\-_./]+$"
_NOT_IN_HOST: Final = re.compile(r'[\s\\%<>"^`{|}]')
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # and halves of characters
_CONTROLS_IN_LINES: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_HIGHEST_PORT: Final = 65535
_LANGUAGE: Final = re.compile("[a-zA-Z]{2,3}")
_SHOWN: Final = 40  # characters of what came that an error repeats
_TAGS: Final[dict[str, Any]] = {
    "anyOf": [
        {
            "type": "array",
            "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG},
            "maxItems": MOST_TAGS,
        },
        {"type": "null"},
    ]
}


def refuse(message: str, at: str = "") -> NoReturn:
    """Refuse a value in words of one's own; `at` is the path to the fault inside of it."""
    raise PydanticCustomError("refused", "{message}", {"message": message, "at": at})


def expect(expected: str, came: object, at: str = "") -> NoReturn:
    """Refuse a value by saying what was expected and what came."""
    refuse(f"Expected {expected}, got {shown(came)}", at)


def shown(came: object) -> str:
    """Return what came in JSON, in the few words that an error has for it."""
    match came:
        case None:
            return "null"
        case bool():
            return "true" if came else "false"
        case int() | float():
            return shortened(str(came))
        case str():
            return f"the text {shortened(came)!r}" if came else "an empty text"
        case dict():
            return "an object"
        case _:
            return "a list"


def shortened(text: str) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _text(came: object, expected: str, longest: int) -> str:
    if not isinstance(came, str) or not came:
        expect(expected, came)
    if len(came) > longest:
        refuse(f"Expected at most {longest} characters, got {len(came)}")
    return came


def _without_controls(text: str, unwanted: re.Pattern[str] = _CONTROLS) -> str:
    if found := unwanted.search(text):
        refuse(f"Expected no control characters, got U+{ord(found[0]):04X} as character {found.start() + 1}")
    return text


def _without_spaces(url: str) -> str:
    if url != url.strip():
        refuse("Expected no spaces before or after the URL; remove them")
    return _without_controls(url)


def _switch(came: object) -> bool:
    if not isinstance(came, bool):
        expect("true or false", came)
    return came


def _language(came: object) -> str:
    if not isinstance(came, str) or not _LANGUAGE.fullmatch(came):
        expect("a language by its code of two or three letters, such as en", came)
    return came.lower()


def _count(came: object) -> int:
    if isinstance(came, float) and came.is_integer():
        came = int(came)
    if isinstance(came, bool) or not isinstance(came, int) or came < 1:
        expect("a whole number from 1 on", came)
    return came


def _channels(came: object) -> object:
    if came not in CHANNELS:
        expect(f"one of {', '.join(CHANNELS)}", came)
    return came


def _tracks(came: object) -> object:
    if isinstance(came, float) and came.is_integer():
        came = int(came)
    number = isinstance(came, int) and not isinstance(came, bool) and 0 <= came <= HIGHEST_TRACK
    if not number and came not in CHANNELS:
        expect(f"one of {', '.join(CHANNELS)}, or a whole number from 0 to {HIGHEST_TRACK}", came)
    return came


def _sensitivity(came: object) -> float:
    return _number(came, -5, 5)


def _threshold(came: object) -> float:
    return _number(came, 0, 100)


def _number(came: object, least: float, most: float) -> float:
    if isinstance(came, bool) or not isinstance(came, int | float) or not least <= came <= most:
        expect(f"a number from {least:g} to {most:g}", came)
    return float(came) + 0.0  # the database knows no negative zero


def _media_url(came: object) -> str:
    expected = "media:// and a key of letters a to z, digits, and any of - _ . /"
    url = _text(came, expected, LONGEST_MEDIA_URL)
    if not re.fullmatch(_MEDIA_PATTERN.rstrip("$"), url):
        expect(expected, came)
    return url


def _audio_url(came: object) -> str:
    expected = "a direct link that begins with http:// or https:// and a host, or media:// and a key"
    url = _without_spaces(_text(came, expected, LONGEST_URL))
    if url.startswith("media:"):
        return _media_url(url)
    _address(url, expected)
    return url


def _webhook(came: object, info: ValidationInfo) -> str:
    # Only what a client sends is held to the setting; a job that was accepted under another one stays readable.
    http = info.context is None or info.context["webhook_http"]
    expected = f"an address that begins with https://{' or http://' if http else ''} and a host"
    url = _without_spaces(_text(came, expected, LONGEST_WEBHOOK))
    address = _address(url, expected)
    if address.scheme == "http" and not http:
        refuse("Expected an address that begins with https://; this server sends no webhooks over plain http")
    if address.userinfo:
        refuse("Expected an address without user name and password; check the signature of webhooks instead")
    return url


def _address(url: str, expected: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
        host = address.host
    except (httpx.InvalidURL, ValueError):  # the latter for a host that claims to be in Punycode
        expect(expected, url)
    port = 1 if address.port is None else address.port
    named = host and not _NOT_IN_HOST.search(host)
    if address.scheme not in {"http", "https"} or not named or not 1 <= port <= _HIGHEST_PORT:
        expect(expected, url)
    return address


def _label(came: object) -> str:
    if not isinstance(came, str):
        expect(f"a name of 1 to {LONGEST_NAME} characters", came)
    if fault := fault_of(came):
        refuse(fault)
    return came


def _voiceprint(came: object) -> str:
    text = _text(came, "the text of a voiceprint, as the output of a voiceprint job holds it", LONGEST_VOICEPRINT)
    return _without_controls(text, _CONTROLS_IN_LINES)


def _token(came: object) -> str:
    if not isinstance(came, str) or not 1 <= len(came) <= LONGEST_TOKEN:
        refuse(f"Expected a text of 1 to {LONGEST_TOKEN} characters")  # what came may be a secret: it is not repeated
    return _without_controls(came)


def a_tag(came: object, at: str = "") -> str:
    """Let a tag pass; `at` is where it stands in the value."""
    if not isinstance(came, str) or not came or len(came) > LONGEST_TAG or _CONTROLS.search(came):
        expect(f"a tag of 1 to {LONGEST_TAG} characters, none of them a control character", came, at)
    return came


def _tags(came: object) -> tuple[str, ...]:
    if not isinstance(came, list | tuple):
        expect(f"a list of at most {MOST_TAGS} tags", came)
    if len(came) > MOST_TAGS:
        refuse(f"Expected at most {MOST_TAGS} tags, got {len(came)}")
    return tuple(a_tag(tag, str(number)) for number, tag in enumerate(came))


def _speaker(came: object) -> str:
    expected = "the label of a speaker, as SPEAKER_00"
    label = _text(came, expected, LONGEST_SPEAKER)
    if not re.fullmatch(SPEAKER_PATTERN.rstrip("$"), label):
        expect(expected, came)
    return label


def _title(came: object) -> str:
    expected = f"a title of at most {LONGEST_TITLE} characters"
    return "" if came == "" else _without_controls(_text(came, expected, LONGEST_TITLE))


def some_voiceprints(came: object) -> object:
    """Let a list of as many voiceprints pass as one request may have, or none at all."""
    if came is None:
        return None
    if not isinstance(came, list | tuple):
        expect(f"a list of 1 to {MOST_VOICEPRINTS} voiceprints", came)
    if not 1 <= len(came) <= MOST_VOICEPRINTS:
        refuse(f"Expected 1 to {MOST_VOICEPRINTS} voiceprints, got {len(came)}")
    return came


Switch = Annotated[bool, BeforeValidator(_switch, json_schema_input_type=bool | None)]
Language = Annotated[str, Field(json_schema_extra={"pattern": "^[a-zA-Z]{2,3}$"}), BeforeValidator(_language)]
Count = Annotated[int, Field(ge=1), BeforeValidator(_count)]
Channels = Annotated[
    Literal["mixed", "separate"],
    BeforeValidator(_channels, json_schema_input_type=Literal["mixed", "separate"] | None),
]
Tracks = Annotated[
    Literal["mixed", "separate"] | Annotated[int, Field(ge=0, le=HIGHEST_TRACK)],
    BeforeValidator(
        _tracks,
        json_schema_input_type=Literal["mixed", "separate"] | Annotated[int, Field(ge=0, le=HIGHEST_TRACK)] | None,
    ),
]
Sensitivity = Annotated[
    float, BeforeValidator(_sensitivity, json_schema_input_type=Annotated[float, Field(ge=-5, le=5)] | None)
]
Threshold = Annotated[
    float, BeforeValidator(_threshold, json_schema_input_type=Annotated[float, Field(ge=0, le=100)] | None)
]
MediaUrl = Annotated[
    str,
    Field(max_length=LONGEST_MEDIA_URL, json_schema_extra={"pattern": _MEDIA_PATTERN}),
    BeforeValidator(_media_url),
]
AudioUrl = Annotated[
    str,
    Field(max_length=LONGEST_URL, json_schema_extra={"pattern": r"^([hH][tT][tT][pP][sS]?|media)://"}),
    BeforeValidator(_audio_url),
]
WebhookUrl = Annotated[
    str,
    Field(max_length=LONGEST_WEBHOOK, json_schema_extra={"pattern": "^[hH][tT][tT][pP][sS]?://"}),
    BeforeValidator(_webhook),
]
Label = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_NAME,
        json_schema_extra={"pattern": "^(?![sS][pP][eE][aA][kK][eE][rR]_)"},
    ),
    BeforeValidator(_label),
]
Token = Annotated[str, Field(min_length=1, max_length=LONGEST_TOKEN), BeforeValidator(_token)]
VoiceprintText = Annotated[str, Field(min_length=1, max_length=LONGEST_VOICEPRINT), BeforeValidator(_voiceprint)]
Tags = Annotated[tuple[str, ...], BeforeValidator(_tags), WithJsonSchema(_TAGS)]
Title = Annotated[str, Field(max_length=LONGEST_TITLE), BeforeValidator(_title)]
Speaker = Annotated[
    str,
    Field(max_length=LONGEST_SPEAKER, json_schema_extra={"pattern": SPEAKER_PATTERN}),
    BeforeValidator(_speaker),
]
