"""Failure signatures of a run: small detectors that say what goes wrong while it does."""
