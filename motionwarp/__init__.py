"""Give the motion of one video to the person in one photo.

>>> import motionwarp
>>> result = motionwarp.transfer("person.jpg", "dance.mp4", "out.mp4")  # doctest: +SKIP

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from motionwarp.version import __version__

if TYPE_CHECKING:
    from motionwarp.errors import MotionwarpError
    from motionwarp.pipeline.api import TransferResult, stream, transfer
    from motionwarp.pipeline.check.report import CheckReport, check
    from motionwarp.pipeline.check.report import CheckReport as FeasibilityReport  # noqa: F401 (its old name)
    from motionwarp.pipeline.options import TransferOptions
    from motionwarp.pipeline.swap import swap

__all__ = [
    "transfer",
    "stream",
    "check",
    "swap",
    "TransferOptions",
    "TransferResult",
    "CheckReport",
    "MotionwarpError",
    "__version__",
]

_HOMES = {
    "transfer": "motionwarp.pipeline.api",
    "stream": "motionwarp.pipeline.api",
    "check": "motionwarp.pipeline.check.report",
    "swap": "motionwarp.pipeline.swap",
    "TransferOptions": "motionwarp.pipeline.options",
    "TransferResult": "motionwarp.pipeline.api",
    "CheckReport": "motionwarp.pipeline.check.report",
    "MotionwarpError": "motionwarp.errors",
}
_OLD_NAMES = {"FeasibilityReport": "CheckReport"}


def __getattr__(name: str) -> Any:
    if name in _OLD_NAMES:
        new = _OLD_NAMES[name]
        warnings.warn(f"motionwarp.{name} is called motionwarp.{new} now", DeprecationWarning, stacklevel=2)
        return __getattr__(new)
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'motionwarp' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
