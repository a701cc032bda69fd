"""The training-free 2D person: parts, joints, textures and their composition.

A photo's person is cut into parts of the body with the pixels at full size, `person`; points of a new pose say where
each part goes, `transforms`, which is at hand as one row of numbers a frame, `warp_params`; `compositor` puts the moved
parts before each other.

Examples
--------
>>> import numpy as np
>>> from motionwarp.data.synthetic import sample_view
>>> from motionwarp.puppet.repose import repose
>>> rng = np.random.default_rng(3)
>>> somebody, somebody_else = (sample_view(rng, 256, 192) for _ in range(2))
>>> rgb, matte, parsing, pose = repose(
...     somebody.rgb, somebody.matte, somebody.parsing, somebody.pose, somebody_else.pose, 256, 192
... )
>>> rgb.shape, parsing.shape
((256, 192, 3), (256, 192))
"""
