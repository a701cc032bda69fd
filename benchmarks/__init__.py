"""Measurements of speed and memory; not installed, run from a checkout: `python -m benchmarks --help`."""
