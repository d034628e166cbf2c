"""The extra `evaluation`: packages that measuring needs and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from timbre.errors import ExtraMissing


@contextmanager
def evaluation_extra() -> Iterator[None]:
    """Wrap the import of a package of the extra; raises ExtraMissing, saying how to install it, where it is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ExtraMissing(
            f'This needs the package {error.name}; get it with `pip install "timbre[evaluation]"`.'
        ) from error
