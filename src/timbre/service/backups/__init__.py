"""Backups: a server as it was at one moment, sealed, in a folder or a bucket of its own."""
