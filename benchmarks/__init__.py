"""Measurements: how fast, how large, how right. `python -m benchmarks --help` says how to run them."""
