"""What a request may say, and how a body becomes a value."""
