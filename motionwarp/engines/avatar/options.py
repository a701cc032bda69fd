"""What can be asked of an avatar that is refined by a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from motionwarp.options import documented, option
from motionwarp.training.options import ClipFitOptions


@documented
@dataclass(frozen=True, kw_only=True)
class AvatarFitOptions(ClipFitOptions):
    """One avatar of a person, of a clip of theirs and a photo."""

    photo: Path | None = option(
        None, help="What the avatar is at rest.", metavar="PHOTO", shown_default="the clip's best frame"
    )
