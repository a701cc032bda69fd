"""The network that repaints a guess of somebody's back: what it sees and what it may change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from motionwarp.avatar.assembly import make_avatar
from motionwarp.avatar.backs import back_views
from motionwarp.avatar.completion import (
    COMPLETION_FILE,
    INPUT_CHANNELS,
    Change,
    Completer,
    CompletionConfig,
    CompletionNetwork,
    PersonWindow,
    changed,
    network_inputs,
)
from motionwarp.avatar.regions import person_regions
from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, render, sample_person
from motionwarp.engines.avatar.posing import SourceBody
from motionwarp.errors import WeightsError
from motionwarp.parsing import labels
from motionwarp.puppet import parts
from motionwarp.types import ByteArray, SourcePerson

SMALL = CompletionConfig((8, 12, 16))


@pytest.fixture(scope="module")
def person() -> SourcePerson:
    drawn = sample_person(np.random.default_rng(5))
    points = body_points(place(drawn.proportions, BodyPose()))
    camera = frame_body(points, Camera(4.2, 0, 0, 1, 0, 0), 240, 180, share=0.86, middle_x=0.5, middle_y=0.52)
    view = render(drawn, BodyPose(), camera, np.full((240, 180, 3), 120, np.uint8), 240, 180)
    return SourcePerson(view.rgb, view.matte, view.pose, view.parsing)


def inputs(batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    front, guess = (torch.rand(batch, 3, 64, 48, generator=generator) for _ in range(2))
    matte = torch.rand(batch, 1, 64, 48, generator=generator)
    parsing = torch.randint(0, 20, (batch, 1, 64, 48), generator=generator, dtype=torch.uint8)
    return network_inputs(front, guess, matte, parsing)


def test_what_it_sees_has_every_class_once() -> None:
    seen = inputs()
    assert seen.shape == (2, INPUT_CHANNELS, 64, 48)
    groups = seen[:, 8:]
    assert torch.equal(groups, groups.round())
    assert groups.sum(dim=1).max() == 1


def test_before_it_has_learned_nothing_changes() -> None:
    change = CompletionNetwork(SMALL).eval()(inputs())
    assert change.colors.shape == (2, 3, 64, 48)
    assert change.details.shape == (2, 2, 64, 48)
    guess = torch.rand(2, 3, 128, 96)
    torch.testing.assert_close(changed(guess, change), guess)
    # at a size of the guess that is no multiple of the window's
    odd = torch.rand(2, 3, 151, 113)
    torch.testing.assert_close(changed(odd, change), odd)


def test_details_can_be_taken_away_and_colors_added() -> None:
    guess = torch.rand(1, 3, 256, 192)
    flat = changed(guess, Change(torch.zeros(1, 3, 128, 96), torch.zeros(1, 2, 128, 96)))
    assert flat.std() < 0.2 * guess.std()
    torch.testing.assert_close(flat.mean(), guess.mean(), atol=0.01, rtol=0)
    brighter = changed(guess, Change(torch.full((1, 3, 128, 96), 0.25), torch.ones(1, 2, 128, 96)))
    torch.testing.assert_close(brighter, guess + 0.25)


def test_gradients_reach_every_parameter() -> None:
    network = CompletionNetwork(SMALL)
    torch.nn.init.normal_(network.leave.weight, std=0.1)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)  # residual blocks begin as the identity
    change = network(inputs())
    changed(torch.rand(2, 3, 128, 96), change).square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in network.parameters())


@pytest.mark.parametrize("place", [(20, 30), (-5, -9), (60, 55)])
def test_a_window_is_cut_and_put_back(place: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (90, 80, 3), dtype=np.uint8)
    window = PersonWindow(*place, 36, 48)
    content = window.cut(picture, 7)
    assert content.shape == (48, 36, 3)
    np.testing.assert_array_equal(window.put(content, picture), picture)
    painted = window.put(np.full_like(content, 9), picture)
    left, top = (max(value, 0) for value in place)
    assert (painted[top : place[1] + 48, left : place[0] + 36] == 9).all()
    assert (painted == picture).all(axis=2).sum() == 90 * 80 - painted[
        top : place[1] + 48, left : place[0] + 36, 0
    ].size


def test_a_window_holds_the_person_whole() -> None:
    matte = np.zeros((100, 200), dtype=np.float32)
    matte[20:60, 30:150] = 1
    window = PersonWindow.around(matte)
    assert window is not None
    assert window.cut(matte, 0).sum() == matte.sum()
    assert window.width / window.height == pytest.approx(0.75, rel=0.02)
    assert PersonWindow.around(np.zeros((9, 9), dtype=np.float32)) is None


def test_an_untrained_completer_leaves_the_guess(person: SourcePerson) -> None:
    guess = back_views(person, person_regions(person, 60.0), 60.0).rgb
    painted = Completer(CompletionNetwork(SMALL).eval()).repainted(person, guess)
    sure = person.matte > 0.95
    assert np.abs(painted.astype(int) - guess)[sure].max() <= 1
    outside = person.matte == 0
    np.testing.assert_array_equal(painted[outside], guess[outside])


class Painter(Completer):
    """Paints everybody's back in one color."""

    def __init__(self) -> None:
        super().__init__(CompletionNetwork(SMALL).eval())

    def repainted(self, source: SourcePerson, guess: ByteArray) -> ByteArray:
        return np.full_like(guess, (10, 200, 30))


def test_backs_are_painted_and_fronts_are_not(person: SourcePerson) -> None:
    body = SourceBody.of_photo(person.pose.points)
    plain = make_avatar(person, body.surface, body.rest)
    painted = make_avatar(person, body.surface, body.rest, completer=Painter())
    np.testing.assert_array_equal(painted.sheets.positions, plain.sheets.positions)
    camera = np.array([plain.scale, *plain.shift], dtype=np.float32)
    fronts = [
        each.render(each.transforms(each.rotations, each.joints), camera, (240, 180))[0] for each in (plain, painted)
    ]
    inside = person.matte > 0.99
    apart = np.abs(fronts[0] - fronts[1]).max(axis=2)
    assert (apart[inside] > 8).mean() < 0.02
    # hands and feet are seen from all sides
    for part, is_painted in ((parts.TORSO, True), (parts.RIGHT_THIGH, True), (parts.RIGHT_FOOT, False)):
        rows = np.unique(painted.sheets.faces[painted.sheets.layers // 2 == part])
        at = np.rint(painted.sheets.uv[rows]).astype(int)
        texels = painted.atlas.texels[at[:, 1], at[:, 0]]
        solid = texels[..., 3] > 250
        green = (texels[solid, :3] == (10, 200, 30)).all(axis=1).mean()
        assert bool(green > 0.3) is is_painted


def test_rules_make_one_back_of_head_and_trunk(person: SourcePerson) -> None:
    behind = back_views(person, person_regions(person, 60.0), 60.0)
    face = np.isin(person.parsing, (labels.FACE,)) & (person.matte > 0.95)
    assert (behind.rgb[face] != person.rgb[face]).any(axis=1).mean() > 0.6
    assert behind.of(parts.HEAD) is behind.head
    assert behind.of(parts.LEFT_SHIN) is behind.limbs
    np.testing.assert_array_equal(behind.limbs.rgb, person.rgb)


def test_weights_come_back_and_others_are_refused(tmp_path: Path, person: SourcePerson) -> None:
    network = CompletionNetwork(SMALL).eval()
    torch.nn.init.normal_(network.leave.weight, std=0.1)
    COMPLETION_FILE.save(tmp_path / "completion.safetensors", network)
    guess = back_views(person, person_regions(person, 60.0), 60.0).rgb
    one = Completer(network).repainted(person, guess)
    other = Completer.load(tmp_path / "completion.safetensors").repainted(person, guess)
    assert (one != guess).any()
    assert np.abs(one.astype(int) - other).max() <= 2
    with pytest.raises(WeightsError):
        Completer.load("body")
