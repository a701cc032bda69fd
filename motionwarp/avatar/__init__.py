"""Avatars: a person of a photo as surfaces in space that a body moves."""
