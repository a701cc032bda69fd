"""An avatar of a few triangles: two sheets, one behind the other, bent by two bones."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from motionwarp.avatar.avatar import Avatar
from motionwarp.avatar.person import AvatarPerson, StoredAvatar
from motionwarp.avatar.renderer import Atlas
from motionwarp.avatar.sheets import Sheets
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.types import FloatArray, Pose


def turns(seed: int) -> FloatArray:
    """Return a rotation for every driven bone, float32 (B, 3, 3)."""
    return Rotation.random(len(DRIVEN_BONES), random_state=seed).as_matrix().astype(np.float32)


def small_avatar(seed: int = 0) -> Avatar:
    """Return an avatar 0.4 m wide and 1 m tall whose texture and pose are drawn from a seed."""
    rng = np.random.default_rng(seed)
    ys, xs = np.mgrid[-0.5:0.5:5j, -0.2:0.2:3j]
    grid = np.column_stack([xs.ravel(), ys.ravel()])
    positions = np.concatenate([np.column_stack([grid, np.full(15, depth)]) for depth in (-0.1, 0.1)])
    corners = [(row * 3 + column) for row in range(4) for column in range(2)]
    cells = [[a, a + 1, a + 3] for a in corners] + [[a + 1, a + 4, a + 3] for a in corners]
    front = np.array(cells, dtype=np.int32)
    faces = np.concatenate([front, front[:, ::-1] + 15]).astype(np.int32)
    share = np.clip(positions[:, 1] + 0.5, 0, 1)
    weights = np.column_stack([share, 1 - share, np.zeros(30), np.zeros(30)]).astype(np.float32)
    uv = np.tile(np.column_stack([(grid[:, 0] + 0.2) / 0.4 * 13 + 1, (grid[:, 1] + 0.5) * 29 + 1]), (2, 1))
    uv[15:, 0] += 16
    bones = np.tile(np.array([2, 5, 7, 0], dtype=np.int32), (30, 1))
    sheets = Sheets(
        positions.astype(np.float32), uv.astype(np.float32), uv[::-1].astype(np.float32),
        np.full(30, 0.5, dtype=np.float32), bones, weights, faces,
        np.full(len(faces), 3, dtype=np.int32),
    )  # fmt: skip
    texels = rng.integers(1, 255, (32, 32, 5)).astype(np.uint8)
    texels[..., 3:] = 255
    texels[:, [0, 31], :4] = 0
    home = rng.integers(-50, 50, (32, 32, 2)).astype(np.float32)
    joints = rng.uniform(-0.5, 0.5, (len(DRIVEN_BONES), 3)).astype(np.float32)
    shape = rng.normal(size=12).astype(np.float32)
    return Avatar(sheets, Atlas(texels, home), turns(seed), joints, 123.25, (40.5, -7.125), shape)


def small_stored_avatar(seed: int = 0) -> StoredAvatar:
    """Return `small_avatar` with a photo of 24 x 20 pixels, all drawn from the seed."""
    rng = np.random.default_rng(seed)
    rgb, plate = rng.integers(0, 256, (2, 20, 24, 3)).astype(np.uint8)
    matte = (rng.integers(0, 65536, (20, 24)) / np.float32(65535)).astype(np.float32)
    points = rng.uniform(0, 1, (18, 3)).astype(np.float32)
    parsing = rng.integers(0, 20, (20, 24)).astype(np.uint8)
    person = AvatarPerson(rgb, matte, Pose(points), parsing, avatar=small_avatar(seed), photo_size=(24, 20), photos=2)
    return StoredAvatar(person, plate, ("the light is poor",), 0.75, matte_given=True, photos=2)
