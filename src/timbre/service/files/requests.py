"""What may be asked for about media."""

from __future__ import annotations

from pydantic import Field

from timbre.service.requests.body import Request
from timbre.service.requests.values import MediaUrl


class MediaRequest(Request):
    """Ask for a link to upload to, or to download from."""

    url: MediaUrl = Field(
        description="A name of your choice; the recording is then known by it to your team.",
        examples=["media://team/standup.flac"],
    )
