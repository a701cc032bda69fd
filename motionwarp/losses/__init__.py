"""What the networks are trained by."""
