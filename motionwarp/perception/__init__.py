"""Seeing people: detection, tracking, points, parsing and mattes.

Examples
--------
>>> import torch
>>> from motionwarp.media.image import read_image
>>> from motionwarp.perception.registry import make_estimator
>>> estimator = make_estimator("builtin", torch.device("cpu"), torch.float32)
>>> person = estimator.analyze_picture(read_image("examples/person.jpg").rgb)
>>> person.pose.points.shape  # in pixels of the picture
(18, 3)
>>> person.parsing.shape == person.matte.shape  # over the window `person.crop`, at the network's resolution
True

`estimator.follow(frames)` follows one person through a clip, as `motionwarp pose` does.
"""
