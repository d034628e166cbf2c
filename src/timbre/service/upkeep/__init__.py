"""What is done while nobody asks: retention, scrubbing, new keys for old."""
