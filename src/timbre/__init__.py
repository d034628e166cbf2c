"""Timbre."""
