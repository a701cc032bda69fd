"""Data sets of many transfers: plans, workers, manifests, exports.

Examples
--------
>>> from motionwarp.datasets.storage.factory import open_storage
>>> from motionwarp.datasets.verify import verify
>>> report = verify(open_storage("dances"))  # doctest: +SKIP
>>> report.problems  # doctest: +SKIP
[]
"""
