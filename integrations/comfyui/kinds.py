"""What goes between the nodes, and what the nodes have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from motionwarp.avatar.person import StoredAvatar
from motionwarp.engines.registry import engine_choices
from motionwarp.types import ByteArray, PoseTrack

WHO = ("STRING", {"default": "largest", "tooltip": "Of several people: largest, a number from 0 by size, or x,y."})
ENGINE = (list(engine_choices()), {"default": "auto"})
FPS = ("FLOAT", {"default": 25.0, "min": 1.0, "max": 240.0, "step": 0.01, "tooltip": "Of the driving frames."})


class Node:
    """What ComfyUI asks every node for; a node adds INPUT_TYPES, RETURN_TYPES, and `run`."""

    CATEGORY = "motionwarp"
    FUNCTION = "run"
    TITLE: ClassVar[str]
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    run: Any


@dataclass(frozen=True, eq=False)
class Person:
    """A person to be moved: what goes over MOTIONWARP_PERSON.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    matte : uint8 (H, W) or None
        How much of each pixel the person covers; None to have it seen.
    who : str
        Which of several people.
    avatar : StoredAvatar or None
        What was made of the picture before; it is moved then.
    """

    rgb: ByteArray
    matte: ByteArray | None = None
    who: str = "largest"
    avatar: StoredAvatar | None = None


@dataclass(frozen=True, eq=False)
class Poses:
    """The points of a clip: what goes over MOTIONWARP_POSES.

    Attributes
    ----------
    track : PoseTrack
    fps : float
    """

    track: PoseTrack
    fps: float


@dataclass(frozen=True)
class Motion:
    """A motion that is no pictures: what goes over MOTIONWARP_MOTION.

    Attributes
    ----------
    path : Path
        Of the library, or motion capture.
    """

    path: Path
