"""Filling the place where a person was removed.

Examples
--------
>>> import numpy as np
>>> from motionwarp.inpainting.clean_plate import clean_plate
>>> wall = np.tile(np.array([[60, 60, 60], [180, 180, 180]], np.uint8).repeat(4, axis=0), (60, 15, 1))
>>> coverage = np.zeros(wall.shape[:2], np.float32)
>>> coverage[20:40, 40:70] = 1  # where somebody stands
>>> clean_plate(wall, coverage, fill="smooth").shape
(60, 120, 3)
"""
