"""An avatar that turns: where its sides go, and that it stays in the picture."""

from __future__ import annotations

import numpy as np
import pytest
from small_avatar import small_avatar

from motionwarp.avatar.turntable import Turntable, upright_turn


@pytest.mark.parametrize(
    ("degrees", "ahead", "left"),
    [
        (0, (0, 0, -1), (1, 0, 0)),
        (90, (1, 0, 0), (0, 0, 1)),
        (180, (0, 0, 1), (-1, 0, 0)),
        (270, (-1, 0, 0), (0, 0, -1)),
    ],
)
def test_where_the_front_and_the_left_side_go(
    degrees: float, ahead: tuple[int, int, int], left: tuple[int, int, int]
) -> None:
    turn = upright_turn(degrees)
    np.testing.assert_allclose(turn @ [0, 0, -1], ahead, atol=1e-6)
    np.testing.assert_allclose(turn @ [1, 0, 0], left, atol=1e-6)
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 1, 0])


def test_the_first_picture_is_the_photos_view() -> None:
    avatar = small_avatar()
    table = Turntable(avatar, 400)
    width, height = table.size
    assert table.scale == avatar.scale  # never larger than in the photo
    camera = np.array([table.scale, (width - 1) / 2, 0.55 * table.scale], dtype=np.float32)
    still = np.tile(np.eye(3, 4, dtype=np.float32), (20, 1, 1))
    wanted, _ = avatar.render(still, camera, (height, width))
    np.testing.assert_allclose(next(table.turn(3)), wanted, atol=1.0)


def test_the_person_fills_the_height_and_is_never_cut() -> None:
    table = Turntable(small_avatar(), 66)
    assert (table.size[1], table.size[0] % 2) == (66, 0)
    pictures = list(table.turn(7))  # none from the very side, where two sheets alone are not seen
    assert len(pictures) == 7
    for picture in pictures:
        alpha = picture[..., 3]
        assert alpha.shape == table.size[::-1]
        assert alpha.max() > 200
        border = np.concatenate([alpha[[0, -1]].ravel(), alpha[:, [0, -1]].ravel()])
        assert border.max() == 0
        rows = np.flatnonzero(alpha.max(axis=1) > 128)
        assert rows[-1] - rows[0] + 1 == pytest.approx(60, abs=2)


def test_a_profile_is_as_wide_as_the_avatar_is_deep() -> None:
    table = Turntable(small_avatar(), 100)
    seen = [np.flatnonzero(table.picture(angle)[..., 3].max(axis=0) > 128) for angle in (0.0, 80.0)]
    widths = [columns[-1] - columns[0] for columns in seen]
    # at 80 degrees: 0.4 m x cos + 0.2 m x sin
    wanted = [0.4, 0.4 * np.cos(np.deg2rad(80)) + 0.2 * np.sin(np.deg2rad(80))]
    # the outermost columns of the texture are transparent
    assert widths == pytest.approx([each * table.scale for each in wanted], abs=5)
