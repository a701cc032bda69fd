"""The lifter: shapes, laws that it keeps, the tracks it learns from, and that it learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.body.body_motion import BodyMotion
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.lifter import PROPORTIONS, Lifter, LifterConfig, normalize
from motionwarp.body.lifting import LiftedTrack, TrackLifter, facing_degrees, save_lifter
from motionwarp.body.model import BodyModel
from motionwarp.body.pose_prior import PosePrior
from motionwarp.body.rig import DRIVEN_MIRROR, PointRig, world_turns
from motionwarp.body.rotations import matrix_from_vector
from motionwarp.body.synthetic_tracks import NO_NOISE, TrackMaker, TrackNoise, draw_people, spoiled
from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from motionwarp.errors import WeightsError
from motionwarp.pose import skeleton as sk

BONES = len(DRIVEN_BONES)
SMALL = LifterConfig(width=32, dilations=(1, 2))


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return BodyModel.load()


@pytest.fixture(scope="module")
def motions() -> list[BodyMotion]:
    """People who swing arms and legs and turn round."""
    found = []
    for seed in range(3):
        generator = torch.Generator().manual_seed(seed)
        time = torch.linspace(0, 12, 90)[:, None, None]
        vectors = 0.4 * torch.randn(BONES, 3, generator=generator) * torch.sin(time + seed)
        vectors[:, 0] = torch.tensor([0.0, 1.0, 0.0]) * time[:, 0] * 0.3
        turns = world_turns(matrix_from_vector(vectors)).numpy()
        found.append(BodyMotion(turns.astype(np.float32), np.zeros((90, 3), np.float32), 30.0))
    return found


def maker(body: BodyModel, motions: list[BodyMotion], noise: TrackNoise, *, mixing: bool = True) -> TrackMaker:
    return TrackMaker(motions, draw_people(body, 6, torch.Generator().manual_seed(1)), noise, mixing=mixing)


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
def test_any_number_of_frames_is_lifted(frames: int) -> None:
    lifted = Lifter(SMALL)(torch.randn(2, frames, 18, 3))
    assert lifted.turns.shape == (2, frames, BONES, 3, 3)
    assert lifted.log_proportions.shape == (2, frames, len(PROPORTIONS))
    identity = torch.eye(3).expand(2, frames, BONES, 3, 3)
    torch.testing.assert_close(lifted.turns @ lifted.turns.mT, identity, atol=1e-5, rtol=0)


def test_blocks_weigh_neighbors_as_a_grouped_convolution_does() -> None:
    block = Lifter(LifterConfig(width=8, dilations=(3,))).blocks[0]
    features = torch.randn(2, 20, 8)
    weights = block.taps.detach().T.unsqueeze(1)  # (C, 1, K)
    expected = torch.nn.functional.conv1d(features.transpose(1, 2), weights, padding=6, dilation=3, groups=8)
    torch.testing.assert_close(block._over_time(features), expected.transpose(1, 2), atol=1e-5, rtol=1e-5)


def test_place_and_size_are_taken_out() -> None:
    points = torch.rand(1, 5, 18, 3) + torch.tensor([0.0, 0.0, 0.1])
    moved = points * torch.tensor([3.0, 3.0, 1.0]) + torch.tensor([500.0, -20.0, 0.0])
    one, other = normalize(points), normalize(moved)
    torch.testing.assert_close(one.points, other.points, atol=1e-4, rtol=0)
    torch.testing.assert_close(one.size * 3, other.size)


def test_points_that_were_not_found_say_nothing() -> None:
    points = torch.rand(1, 4, 18, 3) + 0.1
    points[:, :, sk.LEFT_WRIST] = torch.tensor([1e4, -1e4, 0.01])
    given = normalize(points).points
    assert (given[:, :, sk.LEFT_WRIST] == 0).all()
    assert torch.isfinite(normalize(torch.zeros(1, 3, 18, 3)).points).all()


def test_a_mirrored_track_is_lifted_mirrored() -> None:
    torch.manual_seed(0)
    lifter = TrackLifter(Lifter(SMALL))
    points = torch.rand(6, 18, 3) + 0.1
    mirrored = (points * torch.tensor([-1.0, 1.0, 1.0]))[:, list(sk.MIRROR)]
    flip = torch.tensor([-1.0, 1.0, 1.0])
    one, other = lifter.lift(points), lifter.lift(mirrored)
    torch.testing.assert_close(
        (flip[:, None] * other.turns * flip)[:, list(DRIVEN_MIRROR)], one.turns, atol=1e-4, rtol=0
    )
    torch.testing.assert_close(other.spread[:, list(DRIVEN_MIRROR)], one.spread, atol=1e-5, rtol=0)
    assert float((one.facing + other.facing).abs().max()) < 0.1
    with pytest.raises(ValueError, match="track has points"):
        lifter.lift(torch.zeros(0, 18, 3))


def test_facing_is_told_in_degrees() -> None:
    angles = torch.tensor([0.0, 90.0, -90.0, 180.0, 30.0])
    # turned so that the face goes to the picture's right: about y, from -z to +x
    zero = torch.zeros(5)
    roots = matrix_from_vector(torch.stack([zero, -torch.deg2rad(angles), zero], dim=1))
    found = facing_degrees(roots)
    torch.testing.assert_close(found.abs(), angles.abs(), atol=1e-3, rtol=0)
    torch.testing.assert_close(found[[1, 2, 4]], angles[[1, 2, 4]], atol=1e-3, rtol=0)


def test_a_lift_is_turned_about_the_upright_axis(body: BodyModel) -> None:
    turns = world_turns(matrix_from_vector(0.3 * torch.randn(5, BONES, 3, generator=torch.Generator().manual_seed(0))))
    lifted = LiftedTrack(turns, torch.full((5, BONES), 0.2), torch.ones(5), torch.zeros(8))
    by = torch.tensor([0.0, 20, -75, 180, 300])
    turned = lifted.turned(by)
    apart = torch.remainder(turned.facing - lifted.facing - by + 180, 360) - 180
    torch.testing.assert_close(apart, torch.zeros(5), atol=1e-3, rtol=0)
    rig = PointRig.of(body, body.shape({"age": 0.7}))
    before, after = rig.points(lifted.turns), rig.points(turned.turns)
    torch.testing.assert_close(before[..., 1], after[..., 1], atol=1e-5, rtol=0)
    torch.testing.assert_close(before[..., [0, 2]].norm(dim=-1), after[..., [0, 2]].norm(dim=-1), atol=1e-5, rtol=0)


def test_tracks_are_seen_as_their_truth_says(body: BodyModel, motions: list[BodyMotion]) -> None:
    tracks = maker(body, motions, NO_NOISE).batch(8, 12, torch.Generator().manual_seed(2))
    torch.testing.assert_close(tracks.points[..., :2], tracks.exact)
    torch.testing.assert_close(tracks.rig.points(tracks.turns), tracks.places, atol=1e-5, rtol=0)
    # far points of a person are drawn smaller: lines of sight meet the places
    hips = (tracks.places[..., 8, 2] + tracks.places[..., 11, 2]) / 2
    assert float(hips.abs().max()) < 0.2
    spread = (tracks.exact - tracks.exact.mean(dim=2, keepdim=True)).abs().amax(dim=(2, 3))
    shares = spread / tracks.pixels_per_stature
    assert 0.2 < float(shares.min()) < float(shares.max()) < 2


def test_faces_vanish_from_behind(body: BodyModel, motions: list[BodyMotion]) -> None:
    noise = TrackNoise(jitter=0, missing=0, swapped=0, cropped=0, faceless=0, overconfident=0)
    tracks = maker(body, motions, noise, mixing=False).batch(200, 1, torch.Generator().manual_seed(3))
    toward = -(tracks.turns[:, 0, DRIVEN_BONES.index("head")] @ torch.tensor([0.0, 0.0, -1.0]))[:, 2]
    scores = tracks.points[:, 0, sk.NOSE, 2]
    assert float(scores[toward > 0.3].min()) > 0.5
    assert float(scores[toward < -0.3].max()) < 0.3


def test_mistakes_are_made_as_often_as_asked(body: BodyModel, motions: list[BodyMotion]) -> None:
    noise = TrackNoise(jitter=0, missing=0, swapped=1, cropped=1, faceless=0, overconfident=1)
    random = torch.Generator().manual_seed(4)
    tracks = maker(body, motions, noise).batch(100, 20, random)
    gone = tracks.points[..., 2] == 0
    assert 0.2 < float(gone[:, :, [10, 13]].float().mean()) < 0.95  # ankles, cut off
    order = list(sk.MIRROR)
    exchanged = ((tracks.points[..., :2] - tracks.exact[:, :, order]).norm(dim=-1) < 0.1) & ~gone
    exchanged[..., [sk.NOSE, sk.NECK]] = False
    assert 0.03 < float(exchanged.float().mean()) < 0.6


def test_scores_tell_errors_if_asked(body: BodyModel, motions: list[BodyMotion]) -> None:
    quiet = {"missing": 0.0, "swapped": 0.0, "cropped": 0.0, "faceless": 0.0, "overconfident": 0.0}
    tied = {}
    for telling in (0.0, 1.0):
        noise = TrackNoise(**quiet, telling=telling)
        tracks = maker(body, motions, noise).batch(64, 8, torch.Generator().manual_seed(3))
        points, scores = tracks.points[:, :, 1:8, :2], tracks.points[:, :, 1:8, 2]  # neck and arms
        seen = scores > 0.3
        off = (points - tracks.exact[:, :, 1:8]).norm(dim=-1)[seen]
        order = scores[seen].argsort()
        quarter = len(order) // 4
        tied[telling] = float(off[order[:quarter]].median() / off[order[-quarter:]].median())
    assert tied[0.0] < 1.5
    assert tied[1.0] > 3


def test_points_beyond_the_edge_may_be_invented_near_it(body: BodyModel, motions: list[BodyMotion]) -> None:
    quiet = {"missing": 0.0, "swapped": 0.0, "faceless": 0.0, "jitter": 0.0, "overconfident": 1.0}
    made = {}
    for invented in (0.0, 1.0):
        noise = TrackNoise(**quiet, cropped=1.0, invented=invented)
        tracks = maker(body, motions, noise).batch(32, 4, torch.Generator().manual_seed(3))
        moved = (tracks.points[..., 2] > 0) & ((tracks.points[..., :2] - tracks.exact).norm(dim=-1) > 1)
        made[invented] = tracks.points[moved]
        outside = (tracks.points[..., 2] == 0).float().mean()
        assert 0.05 < float(outside) < 0.6
    assert not len(made[0.0])
    assert len(made[1.0]) > 200
    assert float(made[1.0][:, 2].max()) <= 0.45


def test_weights_come_back_and_others_are_refused(tmp_path: Path) -> None:
    network = Lifter(SMALL)
    path = save_lifter(tmp_path / "lifter.safetensors", network)
    points = torch.rand(3, 18, 3) + 0.1
    expected, found = TrackLifter(network).lift(points), TrackLifter.load(path).lift(points)
    torch.testing.assert_close(found.turns, expected.turns, atol=0.02, rtol=0)
    checkpoint = load_checkpoint(path, "lifter")
    other = save_checkpoint(path, checkpoint.tensors, "lifter", {**checkpoint.config, "bones": ["tail"]})
    with pytest.raises(WeightsError, match="other bones"):
        TrackLifter.load(other)
    other = save_checkpoint(path, checkpoint.tensors, "lifter", {**checkpoint.config, "kernel": 4})
    with pytest.raises(WeightsError, match="configuration"):
        TrackLifter.load(other)


def test_the_lifter_that_ships_knows_front_from_back(body: BodyModel) -> None:
    lifter = TrackLifter.load()
    for angle in (0.0, 60.0, 180.0, -120.0):
        turn = matrix_from_vector(torch.tensor([0.0, -np.deg2rad(angle), 0.0], dtype=torch.float32))
        standing = turn @ world_turns(PosePrior.of(body).ease.float()).expand(9, BONES, 3, 3)
        places = PointRig.of(body, body.shape({"age": 0.7})).points(standing)
        points = torch.cat([places[..., :2] * 200 + 300, torch.ones(9, 18, 1)], dim=-1)
        points[..., 2] = spoiled_scores(places, standing)
        off = torch.remainder(lifter.lift(points).facing - angle + 180, 360) - 180
        assert float(off.abs().max()) < 30


@pytest.mark.parametrize(("frames", "share"), [(1, 0.4), (1, 0.6), (9, 0.4), (9, 0.6), (9, 0.79)])
def test_estimators_that_are_less_sure_say_the_same(body: BodyModel, frames: int, share: float) -> None:
    """To the network low scores alone say that sides are exchanged: all would stand with their backs to the camera."""
    lifter = TrackLifter.load()
    for angle in (0.0, 180.0):
        turn = matrix_from_vector(torch.tensor([0.0, -np.deg2rad(angle), 0.0], dtype=torch.float32))
        standing = turn @ world_turns(PosePrior.of(body).ease.float()).expand(frames, BONES, 3, 3)
        places = PointRig.of(body, body.shape({"age": 0.7})).points(standing)
        points = torch.cat([places[..., :2] * 200 + 300, torch.ones(frames, 18, 1)], dim=-1)
        points[..., 2] = share * spoiled_scores(places, standing)
        off = torch.remainder(lifter.lift(points).facing - angle + 180, 360) - 180
        assert float(off.abs().max()) < 30


def spoiled_scores(places: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Scores without any noise: the face's points fade as it turns away."""
    head = turns[None, :, DRIVEN_BONES.index("head")]
    random = torch.Generator().manual_seed(0)
    return spoiled(places[None, ..., :2] * 200, places[None], head, NO_NOISE, random)[0, ..., 2]
