"""Give the motion of one video to the person in one photo."""
