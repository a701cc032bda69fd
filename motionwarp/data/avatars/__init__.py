"""Rigged, clothed avatars driven by motion capture: pictures from every side of which everything is known exactly."""
