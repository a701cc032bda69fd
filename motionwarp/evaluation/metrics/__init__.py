"""Metrics of single pictures, mattes and pairs of frames; protocols put them together."""
