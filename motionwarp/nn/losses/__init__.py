"""Losses that several trainings share."""
