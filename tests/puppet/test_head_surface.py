"""What a turned head shows: the outline stays, the face wanders to the side and hair follows.

Limbs from behind are mirrored.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import BROWN, GRAY, HEIGHT, RED, WIDTH, drawn_person, from_behind, front_points, rendered, with_hair

from motionwarp.geometry.grids import affine_lattice, normalizing_map
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.puppet.compositor import PartBoxes, WarpedPart, sample_part
from motionwarp.puppet.head_surface import HeadSurface
from motionwarp.puppet.textures import PartTexture
from motionwarp.types import FloatArray, SourcePerson

SIZE = 41
HAIR, FACE = (0.4, 0.2, 0.1), (0.9, 0.7, 0.6)


def texture(face: bool) -> PartTexture:
    """A round head, with a face in its middle or without."""
    picture = np.zeros((SIZE, SIZE, 4), np.float32)
    cv2.circle(picture, (20, 20), 15, (*HAIR, 1.0), -1)
    classes = np.full((SIZE, SIZE), labels.HAIR, np.float32)
    if face:
        cv2.circle(picture, (20, 20), 6, (*FACE, 1.0), -1)
        cv2.circle(classes, (20, 20), 6, float(labels.FACE), -1)
    planes = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None]
    return PartTexture(planes, torch.from_numpy(classes)[None, None], 0, 0, np.zeros((3, 2), np.float32))


def turned(*angles: float) -> tuple[WarpedPart, WarpedPart]:
    """The head as it is and turned, once for each angle in degrees."""
    count = len(angles)
    corners = np.zeros((count, 2), np.int64)
    placement = PartBoxes(corners, SIZE, SIZE, corners, corners + SIZE)
    grid = affine_lattice(normalizing_map(SIZE, SIZE).expand(count, 2, 3), SIZE, SIZE)
    front = texture(True)
    plain = sample_part(front.rgba, front.parsing, grid, placement)
    turn = torch.tensor([[math.cos(math.radians(angle)), math.sin(math.radians(angle))] for angle in angles])
    return plain, HeadSurface.of(front, texture(False)).turned(plain, grid, turn)


def face_columns(part: WarpedPart, frame: int = 0) -> np.ndarray:
    """The columns in which the head's middle row shows the face."""
    row = part.rgba[frame, :3, 20].T - torch.tensor(FACE)
    return np.flatnonzero((row.abs().amax(dim=1) < 0.15).numpy())


@pytest.mark.parametrize(("angle", "side"), [(45.0, 1), (-45.0, -1), (80.0, 1)])
def test_the_face_wanders_to_the_side(angle: float, side: int) -> None:
    plain, head = turned(angle)
    torch.testing.assert_close(head.rgba[:, 3], plain.rgba[:, 3])
    columns = face_columns(head)
    assert len(columns) >= 3
    assert np.abs(columns.mean() - (20 + 15 * math.sin(math.radians(angle)))) < 3
    assert (np.sign(columns - 20) == side).all()
    assert head.parsing is not None
    assert set(np.unique(head.parsing[0, 0, 20, columns])) == {labels.FACE}


def test_behind_there_is_hair() -> None:
    _, head = turned(180.0)
    inside = head.rgba[0, 3] > 0.5
    colors = head.rgba[0, :3, inside] / head.rgba[0, 3, inside]
    assert (colors.T - torch.tensor(HAIR)).abs().max() < 0.05
    assert not len(face_columns(head))


def test_frames_without_a_turn_stay_and_batches_do_not_matter() -> None:
    plain, heads = turned(0.0, 60.0, 0.2)
    assert torch.equal(heads.rgba[0], plain.rgba[0])
    assert torch.equal(heads.rgba[2], plain.rgba[2])
    torch.testing.assert_close(heads.rgba[1], turned(60.0)[1].rgba[0])
    assert turned(0.0)[1] is not None


def test_an_empty_head_can_be_turned() -> None:
    empty = texture(True)
    empty = replace(empty, rgba=torch.zeros_like(empty.rgba))
    surface = HeadSurface.of(empty, empty)
    assert torch.isfinite(surface.radius).all()
    assert (surface.radius > 0).all()


def in_profile() -> FloatArray:
    """The figure's points after its head has turned far to its left."""
    points = front_points()
    middle = points[sk.NECK, 0]
    points[[sk.NOSE, sk.RIGHT_EYE, sk.LEFT_EYE, sk.RIGHT_EAR], 0] = middle + np.array([19, 15, 16, 1])
    points[sk.LEFT_EAR, 2] = 0
    return points


def test_a_profile_stays_upright() -> None:
    front, profile = rendered(with_hair(80), front_points(), in_profile())
    rows = slice(24, 62)
    gray = [
        (np.abs(frame[rows, 90:150, :3] - GRAY).max(axis=-1) < 30) & (frame[rows, 90:150, 3] > 200)
        for frame in (front, profile)
    ]
    middles = [np.flatnonzero(face.any(axis=0)).mean() for face in gray]
    assert middles[1] > middles[0] + 5
    hair = np.abs(profile[rows, 90:150, :3] - BROWN).max(axis=-1) < 30
    assert np.flatnonzero(hair.any(axis=0)).mean() < middles[1]
    # a tilted head would lie across: its outline is where it was
    outlines = [frame[24:60, 90:150, 3] > 128 for frame in (front, profile)]
    assert (outlines[0] & outlines[1]).sum() > 0.85 * (outlines[0] | outlines[1]).sum()


def with_outer_sleeve() -> SourcePerson:
    """The drawn person with the outer half of the right upper arm in brown."""
    person = drawn_person()
    rgb = person.rgb.copy()
    outer = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.line(outer, (91, 80), (73, 124), 1, 8)
    rgb[(outer > 0) & (person.parsing == labels.RIGHT_ARM)] = BROWN
    return replace(person, rgb=rgb)


def test_from_behind_the_outer_side_of_an_arm_is_still_the_outer_one() -> None:
    front, back = rendered(with_outer_sleeve(), front_points(), from_behind())
    row = 108  # of the upper arm
    brown = [
        np.flatnonzero((np.abs(frame[row, :, :3] - BROWN).max(axis=-1) < 40) & (frame[row, :, 3] > 200))
        for frame in (front, back)
    ]
    opaque = [np.flatnonzero(frame[row, :, 3] > 200) for frame in (front, back)]
    assert brown[0].mean() - opaque[0].min() < 6  # on the picture's left
    assert opaque[1].max() - brown[1].mean() < 6  # and then on its right


def test_a_skirt_hangs_from_behind_as_from_the_front() -> None:
    person = drawn_person()
    rgb, parsing = person.rgb.copy(), person.parsing.copy()
    skirt = np.array([(100, 150), (140, 150), (176, 236), (64, 236)], np.int32)
    cv2.fillConvexPoly(rgb, skirt, BROWN)
    cv2.fillConvexPoly(rgb, np.minimum(skirt, (120, HEIGHT)), RED)
    cv2.fillConvexPoly(parsing, skirt, labels.SKIRT)
    source = SourcePerson(rgb, (parsing > 0).astype(np.float32), person.pose, parsing)
    views = [frame[170:225] for frame in rendered(source, front_points(), from_behind())]
    front, back = (view[..., 3] > 128 for view in views)
    assert (front & back).sum() > 0.9 * (front | back).sum()
    # not folded: as from the front, its left half lies on the left
    halves = [np.abs(view[..., :3] - RED).max(axis=-1) < np.abs(view[..., :3] - BROWN).max(axis=-1) for view in views]
    assert (halves[0] == halves[1])[front & back].mean() > 0.9
