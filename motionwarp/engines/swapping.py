"""The interface of engines that change clothes: one dresses the person of one photo in what another one wears."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from motionwarp.parsing.garments import GarmentChoice
from motionwarp.types import ByteArray, FloatArray, SourcePerson


@dataclass(frozen=True, eq=False)
class DressedPicture:
    """A person's photo in other clothes.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
    changed : float32 (H, W)
        In [0, 1]; where it is 0 the pixel is the photo's.
    garment : float32 (H, W)
        How much of each pixel the new clothes cover, in [0, 1].
    """

    rgb: ByteArray
    changed: FloatArray
    garment: FloatArray

    def __post_init__(self) -> None:
        size = self.rgb.shape[:2]
        if self.rgb.dtype != np.uint8 or self.rgb.shape != (*size, 3):
            raise ValueError(f"DressedPicture needs uint8 (H, W, 3), got {self.rgb.dtype} {self.rgb.shape}")
        if self.changed.shape != size or self.garment.shape != size:
            raise ValueError(
                f"masks of a {size} picture must be of that size, got {self.changed.shape} and {self.garment.shape}"
            )


class ClothesSwapper(ABC):
    """What changes clothes.

    Attributes
    ----------
    name : str
        The engine's.
    weights_sha256 : str
        Checksum of the file of its weights; empty for one without any.
    """

    name: str
    weights_sha256: str = ""

    @abstractmethod
    def dress(self, person: SourcePerson, clothes: SourcePerson, choice: GarmentChoice) -> DressedPicture:
        """Dress a person in what another one wears.

        Parameters
        ----------
        person : SourcePerson
            Whose head, hands and surroundings stay.
        clothes : SourcePerson
            Who wears the clothes.
        choice : str
            "upper", "lower" or "all".

        Returns
        -------
        DressedPicture
            Of the person's photo's size.

        Raises
        ------
        NoPersonError
            If the points of one of them do not suffice.
        """
