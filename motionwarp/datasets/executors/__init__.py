"""Executors: who makes the clips of a data set."""
