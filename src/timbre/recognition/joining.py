"""Putting the words of two pieces that overlap together: none twice, none lost.

Both have heard the same words around the cut, perhaps not quite the same ones. They are joined at a word that both
have, as near to the cut as there is one; where there is none, at the cut itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from timbre.transcripts.spoken import Word

_MARKS: Final = re.compile(r"\W+")
_NEAR: Final = 0.5  # seconds between the times that two recognitions give one word
_MOST_SHARED: Final = 20  # words that two pieces both have


def seam(before: Sequence[Word], after: Sequence[Word], cut: float, overlap: float) -> tuple[int, int]:
    """Where to leave the words of one piece, and where to enter those of the next.

    Args:
        before: Words with times, up to and with those of the piece before the cut.
        after: Words of the piece after it.
        cut: Where they were cut, in seconds.
        overlap: Seconds that both have heard, half of them on either side of the cut.

    Returns:
        How many words of the former are kept, and how many of the latter are passed over.
    """
    edge = overlap / 2 + _NEAR
    first = sure(before, cut, overlap)
    last = next((n for n, word in enumerate(after) if _middle(word) > cut + edge), len(after))
    left, right = before[first:], after[:last]
    shared = [
        (block.a + n, block.b + n)
        for block in SequenceMatcher(None, _plain(left), _plain(right), autojunk=False).get_matching_blocks()
        for n in range(block.size)
        if abs(_middle(left[block.a + n]) - _middle(right[block.b + n])) <= _NEAR
    ]
    if shared:
        out, into = min(shared, key=lambda pair: abs(_middle(left[pair[0]]) - cut))
        return first + out, into
    # Nothing is shared: what one alone has heard is kept as well.
    keep = next((n for n, word in enumerate(left) if _middle(word) > cut), len(left))
    heard = left[keep - 1].end or 0.0 if keep else 0.0
    skip = next((n for n, word in enumerate(right) if _middle(word) > heard), len(right))
    while keep < len(left) and (skip == len(right) or _middle(left[keep]) < (right[skip].start or 0.0)):
        keep += 1
    return first + keep, skip


def sure(before: Sequence[Word], cut: float, overlap: float) -> int:
    """How many words of a piece stay as they are, whatever the next one has heard around the cut; see `seam`."""
    first = len(before)
    while first and _middle(before[first - 1]) > cut - overlap / 2 - _NEAR:
        first -= 1
    return first


def repeated(before: Sequence[Word], after: Sequence[Word]) -> int:
    """How many words at the beginning of a piece are those that the piece before it ended with; times tell nothing."""
    most = min(len(before), len(after), _MOST_SHARED)
    ends, begins = _plain(before[len(before) - most :]), _plain(after[:most])
    return next((n for n in range(most, 0, -1) if ends[most - n :] == begins[:n]), 0)


def _plain(words: Sequence[Word]) -> list[str]:
    return [_MARKS.sub("", word.text).casefold() or word.text for word in words]


def _middle(word: Word) -> float:
    return ((word.start or 0.0) + (word.end or 0.0)) / 2
