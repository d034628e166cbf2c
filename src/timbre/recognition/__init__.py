"""What recognises words: the seam for it, and how a recording is cut for it and put together again."""
