"""Seeing people: detection, tracking, points, parsing and mattes."""
