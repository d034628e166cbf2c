"""The packs of models that a server hears with, and pulling more."""
