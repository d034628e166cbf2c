"""The networks: catalogue, store, packs, sessions, and the calibration that belongs to an encoder."""
