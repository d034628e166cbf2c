"""Who speaks, and by what name, while they speak."""
