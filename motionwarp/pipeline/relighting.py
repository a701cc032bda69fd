"""The light of the driving clip on the person of the photo: mean and contrast of regions, fitted within limits.

How bright and of what tint light is, skin tells best, since clothes and hair have colors of their own; contrast is told
by every region for itself. Means and deviations in Lab after Reinhard et al. 2001, with limits of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from motionwarp.avatar.person import AvatarPerson
from motionwarp.parsing import labels
from motionwarp.types import ByteArray, FloatArray, Person, SourcePerson

_SKIN: Final = (labels.FACE, labels.LEFT_ARM, labels.RIGHT_ARM, labels.LEFT_LEG, labels.RIGHT_LEG)
_HAIR: Final = (labels.HAIR,)
REGIONS: Final = ("skin", "hair", "clothes")
# fewer pixels tell nothing of a region
_FEWEST: Final = 40
# people differ by more than their light: this part of a difference is taken for light, and no more than so many levels
# of lightness and of color, in 0..255
_LIGHT_SHARE, _MOST_LIGHT, _MOST_TINT = 0.5, 22.0, 5.0
# the same of contrast, as a power and as a factor
_CONTRAST_SHARE, _MOST_CONTRAST = 0.4, 1.15
# less than this is not worth a change
_UNSEEN_LEVELS, _UNSEEN_CONTRAST = 0.75, 0.02
# between regions the change goes over softly, in parts of the picture's long side
_SOFT: Final = 0.01


@dataclass(frozen=True)
class PersonLight:
    """What a person's regions look like.

    Attributes
    ----------
    means : mapping of str to (float, float, float)
        Of each region of `REGIONS` that is seen: lightness and the two colors of Lab, in 0..255 as OpenCV has them.
    contrasts : mapping of str to float
        The same regions' standard deviation of lightness.
    """

    means: Mapping[str, tuple[float, float, float]]
    contrasts: Mapping[str, float]


@dataclass(frozen=True)
class LightChange:
    """How a person is changed to stand in another light.

    Attributes
    ----------
    shift : (float, float, float)
        Added to lightness and colors everywhere.
    contrasts : mapping of str to float
        By what the lightness of regions goes away from their mean.
    """

    shift: tuple[float, float, float]
    contrasts: Mapping[str, float]

    @property
    def is_seen(self) -> bool:
        """Whether it is worth doing."""
        return (
            max(map(abs, self.shift)) >= _UNSEEN_LEVELS
            or max((abs(factor - 1) for factor in self.contrasts.values()), default=0.0) >= _UNSEEN_CONTRAST
        )


def person_light(rgb: ByteArray, parsing: ByteArray) -> PersonLight:
    """Measure what a person's regions look like.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    parsing : uint8 (H, W)
        The 20 LIP classes.
    """
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    means, contrasts = {}, {}
    for name in REGIONS:
        values = lab[_region(parsing, name)]
        if len(values) >= _FEWEST:
            lightness, *colors = (float(np.median(values[:, channel])) for channel in range(3))
            means[name] = (lightness, colors[0], colors[1])
            contrasts[name] = float(values[:, 0].std())
    return PersonLight(means, contrasts)


def driving_light(frames: Sequence[tuple[ByteArray, Person]]) -> PersonLight | None:
    """Measure what the driving person's regions look like, by the middle of several frames; None without parsing."""
    seen = [person_light(_crop(rgb, person), person.parsing) for rgb, person in frames if person.parsing is not None]
    means, contrasts = {}, {}
    for name in REGIONS:
        having = [light for light in seen if name in light.means]
        if 2 * len(having) >= len(seen) and having:
            first, second, third = np.median([light.means[name] for light in having], axis=0).tolist()
            means[name] = (first, second, third)
            contrasts[name] = float(np.median([light.contrasts[name] for light in having]))
    return PersonLight(means, contrasts) if means else None


def light_change(own: PersonLight, wanted: PersonLight) -> LightChange:
    """Return how a person is changed to stand in the light of another one: nothing where both are alike."""
    shift = (0.0, 0.0, 0.0)
    if "skin" in own.means and "skin" in wanted.means:
        apart = _LIGHT_SHARE * (np.array(wanted.means["skin"]) - own.means["skin"])
        most = np.array([_MOST_LIGHT, _MOST_TINT, _MOST_TINT])
        first, second, third = np.clip(apart, -most, most).tolist()
        shift = (first, second, third)
    contrasts = {}
    for name in REGIONS:
        if own.contrasts.get(name, 0) > 1 and wanted.contrasts.get(name, 0) > 1:
            factor = (wanted.contrasts[name] / own.contrasts[name]) ** _CONTRAST_SHARE
            contrasts[name] = float(np.clip(factor, 1 / _MOST_CONTRAST, _MOST_CONTRAST))
    return LightChange(shift, contrasts)


def relit_person(person: SourcePerson, wanted: PersonLight) -> SourcePerson:
    """Return a photo's person in another one's light; the same where nothing changes, or it is an avatar's already."""
    if isinstance(person, AvatarPerson):
        return person
    own = person_light(person.rgb, person.parsing)
    change = light_change(own, wanted)
    if not change.is_seen:
        return person
    lab = cv2.cvtColor(person.rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lightness = lab[..., 0].copy()
    for name, factor in change.contrasts.items():
        weight = _softly(_region(person.parsing, name).astype(np.float32))
        lab[..., 0] += weight * (factor - 1) * (lightness - own.means[name][0])
    lab += np.array(change.shift, dtype=np.float32)
    changed = cv2.cvtColor(np.clip(np.rint(lab), 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)
    return replace(person, rgb=np.asarray(changed, dtype=np.uint8))


def _region(parsing: ByteArray, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    if name == "skin":
        return np.asarray(np.isin(parsing, _SKIN))
    if name == "hair":
        return np.asarray(np.isin(parsing, _HAIR))
    return np.asarray((parsing != labels.BACKGROUND) & ~np.isin(parsing, (*_SKIN, *_HAIR)))


def _softly(mask: FloatArray) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(_SOFT * max(mask.shape), 0.5)), dtype=np.float32)


def _crop(rgb: ByteArray, person: Person) -> ByteArray:
    """Return the pixels of a person's crop at the size of its parsing, uint8 (h, w, 3)."""
    assert person.parsing is not None
    height, width = person.parsing.shape
    cell = person.crop.scale * person.crop.height / height
    matrix = np.array([[cell, 0, person.crop.left + 0.5 * cell - 0.5], [0, cell, person.crop.top + 0.5 * cell - 0.5]])
    smooth = cv2.GaussianBlur(rgb, (0, 0), 0.4 * cell) if cell > 1.5 else rgb
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(smooth, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)
