"""Parts that splines move: sampled where they come to lie, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, drawn_person, front_points
from torch import Tensor

from motionwarp.engines.warping_gan.inputs import control_frames
from motionwarp.puppet import parts
from motionwarp.puppet import person as layered_person
from motionwarp.puppet.compositor import PartBoxes
from motionwarp.puppet.person import PuppetPerson
from motionwarp.puppet.warp_params import ResidualWarps

POSES = torch.from_numpy(front_points())[None]


def residual(strength: float, seed: int = 0) -> ResidualWarps:
    theta_tps = strength * torch.randn(1, parts.PART_COUNT, 2, 9, generator=torch.Generator().manual_seed(seed))
    return ResidualWarps(theta_tps, control_frames(POSES))


def coverage(person: PuppetPerson, warps: ResidualWarps) -> dict[int, Tensor]:
    """The alpha of each part over the whole frame."""
    covered = {}
    for group in person.warped(POSES, person.plan(POSES), HEIGHT, WIDTH, residual=warps):
        for part, layer in group.layers.items():
            own = layer.of_frame(0)
            covered[part] = torch.zeros(HEIGHT, WIDTH)
            if own is not None:
                covered[part][own.within(0, 0)] = own.rgba[3]
    return covered


@pytest.mark.parametrize("seed", range(4))
def test_boxes_hold_what_splines_bring_into_them(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    person, warps = PuppetPerson(drawn_person(), torch.device("cpu")), residual(0.08, seed)
    boxed = coverage(person, warps)

    def whole_frame(outlines: Tensor, height: int, width: int) -> PartBoxes:
        corner, end = np.zeros((1, 2), np.int64), np.array([[width, height]])
        return PartBoxes(corner, height, width, corner, end)

    monkeypatch.setattr(layered_person, "place_boxes", whole_frame)
    whole = coverage(person, warps)
    assert set(boxed) == set(whole)
    for part in whole:
        # splines are evaluated every eighth pixel from the box's corner on a common lattice: the same but for rounding
        lost = float((whole[part] - boxed[part]).clamp_min(0).sum())
        assert lost <= 0.01 * float(whole[part].sum()), parts.PART_NAMES[part]


def test_a_shift_moves_boxes_without_enlarging_them() -> None:
    frames = control_frames(POSES)
    theta_tps = torch.zeros(1, parts.PART_COUNT, 2, 9)
    theta_tps[:, :, 0] = 0.1
    outline = torch.tensor([[[60.0, 80.0], [90.0, 80.0], [90.0, 140.0], [60.0, 140.0]]])
    corners = ResidualWarps(theta_tps, frames).moved({parts.TORSO: outline, parts.GARMENT: outline})
    torch.testing.assert_close(corners[parts.GARMENT], outline)
    low, high = corners[parts.TORSO][0]
    torch.testing.assert_close(high - low, torch.tensor([30.0, 60.0]), atol=1e-2, rtol=0)
    # what is shown there is taken from a tenth of a unit further along the control frame's first axis
    back = torch.linalg.inv(frames[0, parts.TORSO, :, :2]) @ torch.tensor([0.1, 0.0])
    torch.testing.assert_close(low, outline[0, 0] - back, atol=1e-2, rtol=0)
