"""Give the motion of one video to the person in one photo.

>>> import motionwarp
>>> result = motionwarp.transfer("person.jpg", "dance.mp4", "out.mp4")  # doctest: +SKIP

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from motionwarp.version import __version__

if TYPE_CHECKING:
    from motionwarp.errors import MotionwarpError
    from motionwarp.pipeline.api import TransferResult, stream, transfer
    from motionwarp.pipeline.check.report import FeasibilityReport, check
    from motionwarp.pipeline.options import TransferOptions

__all__ = [
    "transfer",
    "stream",
    "check",
    "TransferOptions",
    "TransferResult",
    "FeasibilityReport",
    "MotionwarpError",
    "__version__",
]

_HOMES = {
    "transfer": "motionwarp.pipeline.api",
    "stream": "motionwarp.pipeline.api",
    "check": "motionwarp.pipeline.check.report",
    "TransferOptions": "motionwarp.pipeline.options",
    "TransferResult": "motionwarp.pipeline.api",
    "FeasibilityReport": "motionwarp.pipeline.check.report",
    "MotionwarpError": "motionwarp.errors",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'motionwarp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
