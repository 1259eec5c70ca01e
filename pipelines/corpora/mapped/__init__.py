"""The mapped reader: a new corpus by a TOML file that says what its fields mean, without code."""
