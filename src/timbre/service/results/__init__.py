"""What jobs found, as it is kept: outputs, voices, transcripts, exports."""
