"""Training data: data sets, labels, packs, pairs and synthetic people."""
