"""Filling the place where a person was removed."""
