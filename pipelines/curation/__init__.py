"""From a plan to a frozen dataset version: chosen, ordered, written as shards, and described."""
