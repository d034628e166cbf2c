"""Logs of the server: JSON lines, to a file that is turned over, or to standard error; of a command there are none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from typing import Final

import structlog

from timbre.disk import needed
from timbre.settings import Settings

_MOST: Final = 10 << 20  # bytes
_KEPT: Final = 3  # files before the one that is written


def start_log(settings: Settings) -> None:
    """Send everything that is logged, by us and by libraries, where the settings say.

    Raises:
        PathUnusable, DiskFull: the file cannot be written to.
    """
    if settings.log_file is None:
        handler: logging.Handler = logging.StreamHandler()
    else:
        with needed(settings.log_file, "name another file with TIMBRE_LOG_FILE"):
            settings.log_file.parent.mkdir(parents=True, exist_ok=True)
            handler = RotatingFileHandler(settings.log_file, maxBytes=_MOST, backupCount=_KEPT, encoding="utf-8")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("timbre").setLevel(logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


@contextmanager
def no_log() -> Iterator[None]:
    """Let the parts of a server that a command uses log nothing: its output is for results, and errors say enough."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
