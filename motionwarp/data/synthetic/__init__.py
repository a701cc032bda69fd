"""Clothed people drawn without assets, with exact labels."""
