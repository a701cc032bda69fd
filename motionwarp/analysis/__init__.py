"""Seeing people: who is in a picture, where their 18 points are, and how one of them moves through a clip."""
