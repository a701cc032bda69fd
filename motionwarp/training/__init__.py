"""The training loops and their configurations."""
