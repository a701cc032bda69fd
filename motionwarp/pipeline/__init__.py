"""The main job: the motion of a video given to the person of a picture."""
