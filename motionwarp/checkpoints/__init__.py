"""Checkpoint files, the registry of weights, and the cache of fetched ones."""
