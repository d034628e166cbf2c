"""Where words stand in a text, so that the text can be cut between them.

The words have to be in the text one after the other; between them may be spaces and marks, but nothing that is spelled.

    >>> aligned(["Good morning. ", '"Hi," he said.'], ["Good", "morning", "Hi", "he", "said"])
    ((0, 4), (0, 5, 8))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

_SPELLED: Final = re.compile(r"\w")
_SPACES: Final = re.compile(r"\s+")


def aligned(texts: Sequence[str], words: Sequence[str]) -> tuple[tuple[int, ...], ...] | None:
    """Find words in consecutive texts.

    Returns:
        For each text the offsets at which it can be cut, one for each of its words: the first is 0, the others lie
        before their words. None where the words are not those of the texts.
    """
    cuts = []
    following = 0
    for text in texts:
        own: list[int] = []
        at = 0
        while following < len(words):
            word = words[following].strip()
            found = text.find(word, at)
            if found < 0 or _SPELLED.search(text, at, found):
                break
            own.append(_cut(text, at, found) if own else 0)
            at = found + len(word)
            following += 1
        if _SPELLED.search(text, at):
            return None
        cuts.append(tuple(own))
    return tuple(cuts) if following == len(words) else None


def pieces(text: str, cuts: Sequence[int]) -> Iterator[str]:
    """Cut a text; the pieces begin with a space if it does, as openai-whisper has it."""
    for start, end in pairwise((*cuts, len(text))):
        yield text[start:end] if text[:1].isspace() else text[start:end].strip()


def joined(words: Sequence[str]) -> str:
    """Make a text of words that say themselves whether they stand apart, or none of which does."""
    return ("" if any(word[:1].isspace() for word in words) else " ").join(words)


def _cut(text: str, start: int, end: int) -> int:
    """Where to cut between two words: before the first space, so that marks stay with the word they touch."""
    space = _SPACES.search(text, start, end)
    return space.start() if space else end
