"""What waits for a decision, over all recordings of a team: likely names, and voices that nobody knows."""
