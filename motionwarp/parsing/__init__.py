"""The 20 LIP classes: tables, groupings and drawing.

Examples
--------
>>> import numpy as np
>>> from motionwarp.parsing import labels
>>> from motionwarp.parsing.drawing import colorize
>>> parsing = np.full((4, 6), labels.FACE, np.uint8)
>>> parsing[:, 3:] = labels.LEFT_ARM
>>> colorize(parsing).shape
(4, 6, 3)
>>> bool((labels.mirrored(parsing)[:, :3] == labels.RIGHT_ARM).all())  # the person's own sides change with the mirror
True
"""
