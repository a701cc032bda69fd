"""The 18 points: tables, files, repair, smoothing, retargeting, heatmaps and drawing.

Pure functions of points: no networks, no pictures but those that are drawn.

Examples
--------
A dance, given to somebody of other proportions:

>>> import numpy as np
>>> from motionwarp.pose.repair import repair_track
>>> from motionwarp.pose.retargeting import retarget_track
>>> from motionwarp.pose.smoothing import smooth_track
>>> from motionwarp.types import Pose, PoseTrack
>>> standing = np.array([(50, 20), (50, 40), (35, 40), (30, 65), (30, 90), (65, 40), (70, 65), (70, 90), (42, 95),
...                      (42, 135), (42, 175), (58, 95), (58, 135), (58, 175), (46, 16), (54, 16), (42, 18), (58, 18)])
>>> points = np.ones((30, 18, 3), np.float32)
>>> points[..., :2] = standing + np.linspace(0, 20, 30)[:, None, None]
>>> track = PoseTrack(points, np.ones(30, bool), np.arange(30) / 30, width=200, height=250, cuts=())
>>> track = smooth_track(repair_track(track).track, strength=0.5)
>>> taller = Pose(np.concatenate([standing * 1.5, np.ones((18, 1))], axis=1).astype(np.float32))
>>> moved = retarget_track(track, taller)
>>> round(float(moved.report.shots[0].ratios.scale), 1)
1.5
"""
