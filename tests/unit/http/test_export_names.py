"""What an exported file is called: as the recording is, whatever that may be called."""

import pytest

from timbre.http.routes.jobs.outputs import _attached

JOB = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"


@pytest.mark.parametrize(
    ("title", "header"),
    [
        ("Monday.mp3", 'attachment; filename="Monday.srt"'),
        ("Board v1.2 (final)", 'attachment; filename="Board v1.2 (final).srt"'),
        (None, f'attachment; filename="{JOB}.srt"'),
        ("..", f'attachment; filename="{JOB}.srt"'),
        ('a/b\\c:"d"', 'attachment; filename="a-b-c-d.srt"'),
        ("Gespräch.ogg", "attachment; filename=\"Gesprch.srt\"; filename*=UTF-8''Gespr%C3%A4ch.srt"),
        ("会議", f"attachment; filename=\"{JOB}.srt\"; filename*=UTF-8''%E4%BC%9A%E8%AD%B0.srt"),
    ],
)
def test_it_is_called_as_the_recording(title, header):
    assert _attached(title, JOB, ".srt") == header
    header.encode("latin-1")  # as HTTP has it
