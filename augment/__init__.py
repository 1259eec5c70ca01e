"""Media in; augmented media, and a record of what was done, out. Nothing heavy loads until used."""
