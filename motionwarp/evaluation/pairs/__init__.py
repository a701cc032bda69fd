"""Scoring systems on lists of pairs with ground truth: rendering, metrics, statistics."""
