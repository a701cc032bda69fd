"""The training-free engine: parts of the photo, moved by the points."""
