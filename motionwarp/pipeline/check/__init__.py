"""Whether a transfer will work, before a long run."""
