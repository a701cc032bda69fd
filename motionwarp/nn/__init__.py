"""Blocks, networks and losses that several engines share."""
