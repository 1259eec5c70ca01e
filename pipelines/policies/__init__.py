"""Models that answer, and how a sample is shown to them."""
