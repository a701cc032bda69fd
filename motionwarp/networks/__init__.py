"""One network a file, each readable beside its paper."""
