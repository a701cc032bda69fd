"""Motions as files: motion capture of other programs, and a library of short motions, each usable by its name."""
