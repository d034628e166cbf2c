"""What is secret: the master key, the keys of teams, encryption, signatures."""
