"""Traces: nothing without a collector, not even an import; and what of a request is believed."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from timbre import Settings, tracing
from timbre.errors import ExtraMissing

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("header", "good"),
    [
        (GOOD, True),
        (None, False),
        ("", False),
        (GOOD + "\n", False),
        (GOOD.upper(), False),
        (GOOD.replace("00-0af", "01-0af"), False),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", False),
        ("00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01", False),
        ("Ada Lovelace", False),
    ],
)
def test_a_request_says_what_it_is_a_part_of(header: str | None, good: bool):
    assert tracing.readable(header) == (header if good else None)


def test_without_a_collector_nothing_is_loaded_and_nothing_carried():
    code = """
import asyncio, sys
import timbre.http.app, timbre.service.worker.process
from timbre import Settings, tracing
async def act():
    async with tracing.telling(Settings(), "api"):
        with tracing.span("request") as span:
            assert (span.carried, tracing.current()) == (None, None)
asyncio.run(act())
assert not [name for name in sys.modules if name.startswith("opentelemetry.sdk")]
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_missing_extra_says_so(monkeypatch: pytest.MonkeyPatch):
    async def act() -> None:
        async with tracing.telling(Settings(otlp_url="http://127.0.0.1:4318"), "api"):
            pytest.fail("it began")

    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ExtraMissing, match=r"timbre\[otel\]"):
        asyncio.run(act())
