"""Pose files: the native format, OpenPose, and checks of JSON."""
