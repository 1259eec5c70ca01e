"""The nouns: what a sample is, where its media lie, and how samples stream through steps."""
