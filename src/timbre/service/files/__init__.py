"""Recordings as files: uploads, storage, clips, and what kind a file is."""
