"""Metrics, protocols and reports.

`metrics` measures pictures, mattes and clips; `pairs`, `reenactment`, `cross` and `reverse_pairs` are protocols over
many of them, which the commands `motionwarp evaluate ...` run; `statistics` gives intervals and tests.

Examples
--------
>>> import numpy as np
>>> from motionwarp.evaluation.metrics.image import psnr
>>> from motionwarp.evaluation.metrics.ssim import ssim
>>> from motionwarp.evaluation.statistics import bootstrap_interval
>>> rng = np.random.default_rng(0)
>>> picture = rng.integers(0, 256, (64, 48, 3)).astype(np.uint8)
>>> brighter = np.minimum(picture, 245) + 10
>>> round(psnr(picture, brighter), 1), round(ssim(picture, brighter), 2)
(28.3, 1.0)
>>> interval = bootstrap_interval(rng.normal(0.9, 0.05, 200))
>>> interval.low < 0.9 < interval.high
True
"""
