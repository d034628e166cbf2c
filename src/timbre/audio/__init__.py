"""From any recording to 16 kHz mono samples, their level, and the features that models want."""

SAMPLE_RATE = 16_000  # Hz, of all sound once it is decoded
MOST_CHANNELS = 8  # that are heard each by itself
