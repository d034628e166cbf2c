"""What commands read: settings and the engine, recordings, voiceprints."""
