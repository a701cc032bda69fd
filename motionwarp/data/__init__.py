"""Training data: data sets, labels, packs, pairs and synthetic people.

Examples
--------
>>> import numpy as np
>>> from motionwarp.data.synthetic import sample_view
>>> view = sample_view(np.random.default_rng(1), height=128, width=96)  # a drawn person with exact labels
>>> view.rgb.shape, view.pose.points.shape, int(view.parsing.max()) < 20
((128, 96, 3), (18, 3), True)
"""
