"""A person whose avatar is made already: what engines take in place of a photo's, and what a file holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motionwarp.avatar.avatar import Avatar
from motionwarp.types import ByteArray, SourcePerson


@dataclass(frozen=True, eq=False)
class AvatarPerson(SourcePerson):
    """The person of a photo, with the avatar that was made of them.

    Attributes
    ----------
    avatar : Avatar
        Of the photo at `photo_size`; the photo itself may have been reduced since.
    photo_size : (int, int)
        Width and height in pixels.
    photos : int
        How many photos its textures are from.
    """

    avatar: Avatar
    photo_size: tuple[int, int]
    photos: int = 1

    @property
    def fitting_avatar(self) -> Avatar:
        """The avatar at the photo's present size."""
        height, width = self.matte.shape
        return self.avatar.resized(width / self.photo_size[0], height / self.photo_size[1])


@dataclass(frozen=True, eq=False)
class StoredAvatar:
    """All that is kept of a source, so that its photos need not be looked at again.

    Attributes
    ----------
    person : AvatarPerson
        At the photo's own size.
    plate : uint8 (H, W, 3)
        The photo with the person removed.
    notes : tuple of str
        What a user should know of how the person was seen.
    score : float
        Probability that this is a person, in [0, 1].
    matte_given : bool
        Whether the matte was a file's or the photo's own.
    photos : int
        How many photos the textures are from.
    """

    person: AvatarPerson
    plate: ByteArray
    notes: tuple[str, ...] = ()
    score: float = 1.0
    matte_given: bool = False
    photos: int = 1

    def __post_init__(self) -> None:
        if self.plate.shape != self.person.rgb.shape or self.plate.dtype != np.uint8:
            raise ValueError(
                f"a plate of a {self.person.rgb.shape} photo must be uint8 of that size, got {self.plate.dtype} "
                f"{self.plate.shape}"
            )
