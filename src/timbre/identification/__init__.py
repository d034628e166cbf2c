"""Which name a voice gets: voiceprints, scores, confidence and matching."""
