"""Who spoke when: from samples to turns, with labels instead of names."""
