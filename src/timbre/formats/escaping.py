"""Names that a format cannot hold as they are: two ways to write them so that they can be read back.

*Percent encoding* (RFC 3986, section 2.1) serves formats that have no escapes of their own; a percent sign is only
touched where it would read as an escape, so `50%` stays `50%`. *Character references* (HTML, used by WebVTT)
serve subtitles.
"""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from urllib.parse import quote, unquote

_PERCENT_ESCAPE = r"%(?=[0-9A-Fa-f]{2})"
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_REFERENCE = re.compile(r"&(?:(amp|lt|gt|nbsp|quot)|#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6}));")
_AS_REFERENCE = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "nbsp": "\N{NO-BREAK SPACE}", "quot": '"'}

# What cannot stand in a field that ends at white space, and in one that ends with the line.
WHITE_SPACE = re.compile(rf"[\s{_CONTROLS}]|{_PERCENT_ESCAPE}")
CONTROLS = re.compile(rf"[{_CONTROLS}]|{_PERCENT_ESCAPE}")
# U+0080 to U+009F stand as they are: a reference to one is a character of Windows-1252 (HTML, "numeric character
# reference end state").
_MARKUP = re.compile(r"[&<>\x00-\x1f\x7f\u2028\u2029]")
_WINDOWS_1252 = range(0x80, 0xA0)


def percent_encode(name: str, unsafe: re.Pattern[str]) -> str:
    """Write every character that `unsafe` matches as the %XX of its UTF-8 bytes."""
    return unsafe.sub(lambda match: quote(match[0], safe=""), name)


def percent_decode(text: str) -> str:
    """Undo `percent_encode`; text whose escapes are not UTF-8 never came from it and is left alone."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def escape_markup(name: str) -> str:
    """Write `&`, `<`, `>` and control characters, line ends among them, as character references."""
    return _MARKUP.sub(lambda match: _AS_REFERENCE.get(match[0]) or f"&#{ord(match[0])};", name)


def unescape_markup(text: str) -> str:
    """Resolve character references; an ampersand that begins none is an ampersand."""
    return _REFERENCE.sub(_resolve, text)


def _resolve(reference: re.Match[str]) -> str:
    named, decimal, hexadecimal = reference.groups()
    if named:
        return _NAMED[named]
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if code in _WINDOWS_1252:
        return html.unescape(reference[0])
    is_character = code <= sys.maxunicode and unicodedata.category(chr(code)) != "Cs"
    return chr(code) if is_character else reference[0]
