"""The worker process: it takes jobs from the queue, has the engine hear them, and keeps what comes of it."""
