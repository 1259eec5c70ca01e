"""Cleaning: what may not enter the catalog is dropped here, with its reason."""
