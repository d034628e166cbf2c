"""From any recording to 16 kHz mono samples, their level, and the features that models want."""

from typing import Literal

SAMPLE_RATE = 16_000  # Hz, of all sound once it is decoded
MOST_CHANNELS = 8  # that are heard each by itself
MOST_TRACKS = 16  # sound tracks, likewise

Tracks = Literal["mixed", "separate"] | int
"""All sound tracks of a file as one, each by itself, or one of them, counted from 0."""
