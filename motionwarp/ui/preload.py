"""What processes of jobs are forked with: all that a transfer, a check and an avatar import, and nothing computed."""

from __future__ import annotations

import gc

from motionwarp.pipeline import api, avatars, swap
from motionwarp.pipeline.check import report

__all__ = ["api", "avatars", "report", "swap"]

gc.freeze()  # what was imported stays: collections need not look through it, nor copy its pages
