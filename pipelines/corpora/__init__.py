"""The corpora: one reader a file, and the three that are made on the spot."""
