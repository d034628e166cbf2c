"""Names for voices: candidates, recognition, naming again, merging, labels in transcripts, enrolment."""
