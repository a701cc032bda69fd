"""The body as one more layer: old weights know nothing of it, new ones begin where those ended, rest is the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, drawn_person, front_points
from torch import Tensor

from motionwarp.avatar.certainty import SurfaceCertainty
from motionwarp.avatar.renderer import Drawing
from motionwarp.data.pairs import PersonPair
from motionwarp.engines.avatar.photo_body import PhotoBody
from motionwarp.engines.avatar.posing import PoseParams
from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.runner import EngineRunner
from motionwarp.engines.warping_gan import engine as engine_module
from motionwarp.engines.warping_gan.blending import part_blend
from motionwarp.engines.warping_gan.body_layer import BodyDrawer, shrunk
from motionwarp.engines.warping_gan.data import (
    BodyPicture,
    PartPackReader,
    PartPackWriter,
    PartSample,
    PartSamples,
    as_tensors,
)
from motionwarp.engines.warping_gan.engine import WarpingGanEngine
from motionwarp.engines.warping_gan.inputs import MIRRORED_TURN, body_turn, stacked_layers
from motionwarp.engines.warping_gan.networks import (
    BLEND_COUNT,
    COMPOSITE,
    PartGenerator,
    PartGeneratorOutput,
    PartParser,
    WarpingNetworks,
    apply_blend,
    load_warping_networks,
    save_warping_networks,
    with_room_for_body,
)
from motionwarp.engines.warping_gan.packing import BodySampler
from motionwarp.errors import NoPersonError
from motionwarp.puppet import parts
from motionwarp.puppet.compositor import WarpedFrames
from motionwarp.puppet.person import PuppetPerson
from motionwarp.training.pack_samples import PackShare
from motionwarp.training.pretrained import load_pretrained
from motionwarp.types import FloatArray, PersonLayer, PoseTrack, SourcePerson

CPU = torch.device("cpu")
AT_REST = np.eye(2, 3, dtype=np.float32)
WHOLE_WINDOW = torch.eye(2, 3)


def with_room(old: Path) -> WarpingNetworks:
    """Networks that know no body, widened by one that they take no notice of yet."""
    known = load_warping_networks(old)
    widened = []
    for name, network in (
        ("parser", PartParser(replace(known.parser.config, body=True))),
        ("generator", PartGenerator(replace(known.generator.config, body=True))),
    ):
        checkpoint = load_pretrained(old, f"part_{name}", ("warping_gan", name))
        with_room_for_body(checkpoint, network).load_into(network, ("turned", "body_head"))
        widened.append(network.eval())
    parser, generator = widened
    assert isinstance(parser, PartParser)
    assert isinstance(generator, PartGenerator)
    return WarpingNetworks(parser, generator)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as it was before networks saw bodies."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "without_body.safetensors"
    save_warping_networks(path, WarpingNetworks(PartParser(), PartGenerator()))
    return path


@pytest.fixture(scope="module")
def weights(old: Path) -> Path:
    path = old.with_name("with_body.safetensors")
    save_warping_networks(path, with_room(old))
    return path


def prepared(weights: str | Path, *, photo_behind: bool = False) -> WarpingGanEngine:
    engine = WarpingGanEngine(weights)
    behind = AT_REST if photo_behind else None
    engine.prepare(drawn_person(), RenderSettings(CPU, torch.float32, WIDTH, HEIGHT, photo_to_frame=behind))
    return engine


def track(*points: FloatArray) -> PoseTrack:
    count = len(points)
    return PoseTrack(np.stack(points), np.ones(count, np.bool_), np.arange(count) / 25, WIDTH, HEIGHT)


def moving(count: int) -> list[FloatArray]:
    poses = []
    for phase in np.linspace(0, np.pi, count):
        points = front_points()
        points[4, :2] += 20 * np.sin(phase)
        points[:, 0] += 12 * np.sin(phase)
        poses.append(points)
    return poses


def rendered(engine: WarpingGanEngine, *points: FloatArray) -> Sequence[PersonLayer]:
    motion = engine.follow(track(*points))
    return engine.render(motion, engine.plan(motion))


def in_frame(layer: PersonLayer) -> np.ndarray:
    frame = np.zeros((HEIGHT, WIDTH, 4))
    height, width = layer.rgba.shape[:2]
    frame[layer.top : layer.top + height, layer.left : layer.left + width] = layer.rgba
    return frame


def test_networks_with_a_body_begin_where_those_without_ended(old: Path) -> None:
    known, new = load_warping_networks(old), with_room(old)
    generator = torch.Generator().manual_seed(1)

    def planes(*shape: int) -> Tensor:
        return torch.rand(2, *shape, generator=generator)

    layers, limbs, stage_one, change = planes(64, 64, 48), planes(15, 64, 48), planes(36, 32, 24), planes(60)
    with torch.no_grad():
        without = known.generator(layers, limbs, stage_one, change)
        beside = new.generator(
            torch.cat([layers, planes(5, 64, 48)], 1), torch.cat([limbs, planes(15, 64, 48)], 1), stage_one,
            torch.cat([change, planes(6)], 1),
        )  # fmt: skip
        small, classes, own = planes(64, 32, 24), planes(20, 32, 24), planes(15, 32, 24)
        parsed = known.parser(small, classes, own)
        parsed_beside = new.parser(small, classes, torch.cat([own, planes(20, 32, 24)], 1))
    for one, other in zip((*without[:4], *parsed), (*beside[:4], *parsed_beside), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    assert beside.body_logit is not None
    assert beside.body_alpha is not None


def test_what_widened_weights_draw_is_what_the_old_ones_drew(old: Path, weights: Path) -> None:
    poses = moving(3)
    for one, other in zip(rendered(prepared(old), *poses), rendered(prepared(weights), *poses), strict=True):
        difference = np.abs(in_frame(one) - in_frame(other))
        assert difference.mean() < 1
        assert in_frame(one)[..., 3].max() > 200


def test_batches_do_not_matter_with_a_body(weights: Path) -> None:
    engine = prepared(weights)
    motion = engine.follow(track(*moving(4)))
    theta = engine.plan(motion)
    together = engine.render(motion, theta)
    for start, end in ((0, 1), (1, 4)):
        part = engine.render(motion[start:end], theta[start:end])
        for one, other in zip(part, together[start:end], strict=True):
            assert np.abs(in_frame(one) - in_frame(other)).max() <= 1


@pytest.mark.parametrize("with_body", [True, False])
def test_at_rest_the_photo_comes_back(old: Path, *, with_body: bool) -> None:
    source = drawn_person()
    engine = prepared("warping_gan" if with_body else old, photo_behind=True)
    layer = in_frame(rendered(engine, front_points())[0])
    over = layer[..., :3] + source.rgb * (1 - layer[..., 3:] / 255)
    error = (over - source.rgb)[source.matte > 0.5]
    assert np.square(error).mean() < 255**2 / 10**3.6  # 36 dB


def test_theta_takes_the_body_along_and_goes_without_where_points_are_all(weights: Path) -> None:
    engine = prepared(weights)
    motion = engine.follow(track(*moving(2)))
    with_body, without = engine.plan(motion), engine.plan(Motion(motion.points))
    np.testing.assert_allclose(with_body[:, : without.shape[1]], without, atol=1e-4)
    taken = PoseParams.from_flat(torch.from_numpy(with_body[:, without.shape[1] :]))
    torch.testing.assert_close(taken.turns, PoseParams.of_motion(motion).turns, atol=1e-4, rtol=0)
    assert in_frame(engine.render(Motion(motion.points), without)[0])[..., 3].max() > 200


def test_who_has_no_body_is_drawn_without_and_it_is_said(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module.BodyDrawer, "of", lambda *_: None)
    said: list[str] = []
    settings = RenderSettings(CPU, torch.float32, WIDTH, HEIGHT)
    engine = WarpingGanEngine(weights)
    EngineRunner(engine, drawn_person(), settings, None, said)
    assert any("no body" in line for line in said)
    assert in_frame(rendered(engine, front_points())[0])[..., 3].max() > 200


def warped(height: int, width: int) -> WarpedFrames:
    person = PuppetPerson(drawn_person(), CPU)
    poses = torch.from_numpy(front_points())[None]
    return next(iter(person.warped(poses, person.plan(poses), height, width)))


def recipe_of(body_logit: float, body_alpha: float) -> PartGeneratorOutput:
    logits = torch.full((1, BLEND_COUNT, 128, 96), -8.0)
    logits[:, COMPOSITE] = 2
    planes = (torch.full((1, 1, 128, 96), value) for value in (0.0, body_logit, body_alpha))
    shift, logit, alpha = planes
    return PartGeneratorOutput(logits, torch.full((1, 3, 128, 96), 0.5), shift, None, logit, alpha)


def a_body(height: int, width: int) -> FloatArray:
    """A green box beside the figure's middle, half transparent at its upper end."""
    body = np.zeros((height, width, 4), dtype=np.float32)
    body[60:200, 30:140] = (0, 255, 0, 255)
    body[60:80] *= 0.5
    return body


def test_blending_at_the_output_is_what_training_sees() -> None:
    group, body = warped(256, 192), a_body(256, 192)
    recipe = recipe_of(1.5, 0.4)
    drawing = Drawing(body, np.zeros((256, 192), dtype=np.float32), 0, 0, (256, 192))
    blend = part_blend(group, 0, recipe, 0, WHOLE_WINDOW, (256, 192), drawing)
    assert blend is not None
    piece = blend.piece()
    layers = stacked_layers([group], 1, 256, 192)[0]
    rgb, alpha = apply_blend(
        torch.cat([layers, torch.from_numpy(body).permute(2, 0, 1)[None, None] / 255], dim=1), recipe
    )
    box = np.s_[piece.top : piece.bottom, piece.left : piece.right]
    torch.testing.assert_close(piece.rgba[3], alpha[0, 0][box], atol=1e-4, rtol=0)
    torch.testing.assert_close(piece.rgba[:3], (rgb * alpha)[0][:, box[0], box[1]], atol=1e-4, rtol=0)
    assert alpha[0, 0, 150, 35] > 0.4, "the body's own alpha has a say where no part is"


def test_without_any_pixel_of_a_body_the_recipe_is_the_one_without() -> None:
    layers = stacked_layers([warped(256, 192)], 1, 256, 192)[0]
    recipe = recipe_of(6.0, 6.0)
    nothing = torch.zeros(1, 1, 4, 256, 192)
    made = apply_blend(torch.cat([layers, nothing], dim=1), recipe)
    known = apply_blend(layers, recipe._replace(body_logit=None, body_alpha=None))
    for one, other in zip(made, known, strict=True):
        torch.testing.assert_close(one, other)


def about_upright(degrees: float) -> Tensor:
    angle = np.deg2rad(degrees)
    return torch.tensor(
        [[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], dtype=torch.float32
    )


@pytest.fixture(scope="module")
def body() -> PhotoBody:
    return PhotoBody.of(drawn_person(), RenderSettings(CPU, torch.float32, WIDTH, HEIGHT))


def test_what_the_photo_saw_frontally_is_certain_and_a_back_is_not(body: PhotoBody) -> None:
    rest = PoseParams.of(body.body.fit)
    shares = []
    for degrees in (0.0, 70.0, 180.0):
        posed = body.posed(PoseParams(about_upright(degrees) @ rest.turns, rest.camera))[0]
        planes = SurfaceCertainty(body.avatar).planes(*posed, (HEIGHT, WIDTH))
        there = planes.part < parts.PART_COUNT
        assert there.sum() > 2000
        assert planes.certainty.min() >= 0
        assert planes.certainty.max() <= 1
        assert (planes.certainty[~there] == 0).all()
        shares.append(float(planes.certainty[there].mean()))
    assert shares[0] > 0.45
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 0.15


def test_a_turn_is_told_and_mirrored(body: PhotoBody) -> None:
    rest = body.body.fit.turns
    told = body_turn(about_upright(90) @ rest, rest[0])[0]
    torch.testing.assert_close(told, torch.tensor([-1.0, -1.0] * 3), atol=1e-4, rtol=0)
    other = body_turn(about_upright(-90) @ rest, rest[0])[0]
    torch.testing.assert_close(other, told * torch.from_numpy(MIRRORED_TURN), atol=1e-4, rtol=0)
    torch.testing.assert_close(body_turn(rest, rest[0]), torch.zeros(1, 6), atol=1e-5, rtol=0)


def test_networks_see_the_same_body_at_any_size_of_frame() -> None:
    seen = []
    for factor in (1, 3):
        settings = RenderSettings(CPU, torch.float32, factor * WIDTH, factor * HEIGHT)
        drawer = BodyDrawer.of(drawn_person(), settings)
        assert drawer is not None
        poses = PoseParams.of(drawer.person.body.fit)
        camera = poses.camera * factor
        camera[:, 1:] += 0.5 * factor - 0.5
        moved = PoseParams(poses.turns, camera)
        pose = drawer.person.posed(moved)[0]
        # pixels of the frame are centered at integers
        scale, half = 1 / (factor * 1.3), 0.5 * factor - 0.5
        to_window = torch.tensor([[[scale, 0, 4.0 - scale * half], [0, scale, 9.0 - scale * half]]])
        seen.append(drawer.inputs([pose], moved.turns, to_window))
    for one, other in zip(*seen, strict=True):
        assert (one - other).abs().mean() < 0.02
    assert seen[0].planes[:, 3].mean() > 0.05


def test_a_frame_without_anybody_shows_no_body(body: PhotoBody) -> None:
    drawer = BodyDrawer(body, SurfaceCertainty(body.avatar))
    nothing = drawer.inputs([None], body.body.fit.turns, torch.eye(2, 3)[None])
    assert all(bool((plane == 0).all()) for plane in nothing)


def a_picture(seed: int) -> BodyPicture:
    rng = np.random.default_rng(seed)
    part = np.full((256, 192), 15, dtype=np.uint8)
    part[40:120, 20:60] = parts.RIGHT_FOREARM
    rgba = rng.integers(0, 255, (256, 192, 4), dtype=np.uint8)
    return BodyPicture(rgba, rgba[..., 0], part, np.array([-1, 0.5, -0.2, 0.1, 0, 0], dtype=np.float32))


def test_packs_keep_bodies(drawn_samples: list[PartSample], tmp_path: Path) -> None:
    writer = PartPackWriter()
    writer.add(replace(drawn_samples[0], body=a_picture(1)))
    writer.add(drawn_samples[1])
    writer.write(tmp_path / "bodies.pack")
    reader = PartPackReader(tmp_path / "bodies.pack")
    read = reader[0].body
    assert read is not None
    assert reader[1].body is None
    for name in ("rgba", "certainty", "part", "turn"):
        np.testing.assert_array_equal(getattr(read, name), getattr(a_picture(1), name))
    np.testing.assert_array_equal(reader[0].layers, drawn_samples[0].layers)


def test_a_mirrored_body_changes_sides(drawn_samples: list[PartSample]) -> None:
    sample = replace(drawn_samples[0], body=a_picture(2))
    one, other = as_tensors(sample, mirror=False), as_tensors(sample, mirror=True)
    torch.testing.assert_close(other["body"], one["body"].flip(-1))
    assert set(other["body_part"].unique().tolist()) == {parts.LEFT_FOREARM, 15}
    torch.testing.assert_close(other["body_turn"], one["body_turn"] * torch.from_numpy(MIRRORED_TURN))
    without = as_tensors(drawn_samples[0], mirror=False)
    assert without["body"].max() == 0
    assert (without["body_part"] == 15).all()


def test_a_source_is_made_ready_once_and_misread_bodies_are_left_out(
    drawn_pairs: list[PersonPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[SourcePerson] = []
    of = BodyDrawer.of
    monkeypatch.setattr(BodyDrawer, "of", lambda source, settings: (made.append(source), of(source, settings))[1])
    sampler, pair = BodySampler(), drawn_pairs[0]
    sample = sampler(pair)
    assert sample is not None
    assert sample.body is not None
    assert sample.body.rgba[..., 3].max() == 255
    assert sampler(replace(pair, name="again")) is not None
    assert len(made) == 1
    # nobody faces the camera and turns their back on it
    assert any(sampler(replace(pair, facing=(None, degrees))) is None for degrees in (0.0, 180.0))


@pytest.mark.parametrize(("bodiless", "shown"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_body_may_be_left_away_in_training(
    bodiless: float, shown: float, drawn_samples: list[PartSample], tmp_path: Path
) -> None:
    writer = PartPackWriter()
    writer.add(replace(drawn_samples[0], body=a_picture(1)))
    writer.write(tmp_path / "bodies.pack")
    samples = PartSamples((PackShare(tmp_path / "bodies.pack", 1.0),), 0, bodiless)
    assert np.mean([bool(samples[number]["body"].any()) for number in range(4)]) == shown


def test_it_is_seen_from_other_sides_where_the_networks_see_a_body(weights: Path) -> None:
    engine = prepared(weights)
    assert engine.has_body
    motion = engine.follow(track(front_points()))
    turned = engine.seen_from(motion, np.array([90.0]))
    shoulders = [abs(float(each.points[0, 2, 0] - each.points[0, 5, 0])) for each in (motion, turned)]
    assert shoulders[1] < 0.4 * shoulders[0]
    bodies = engine.bodies(turned, engine.plan(turned))
    assert bodies is not None
    assert abs(abs(float(bodies.facing.degrees[0])) - 90) < 25
    (layer,) = engine.render(turned, engine.plan(turned))
    assert layer.rgba[..., 3].max() == 255


def test_a_body_that_cannot_be_fitted_is_not_seen_from_other_sides(weights: Path) -> None:
    engine = WarpingGanEngine(weights)
    source = drawn_person()
    points = source.pose.points.copy()
    points[[0, 3, 4, *range(6, 18)], 2] = 0
    few = replace(source, pose=replace(source.pose, points=points))
    engine.prepare(few, RenderSettings(CPU, torch.float32, WIDTH, HEIGHT))
    assert not engine.has_body
    with pytest.raises(NoPersonError, match="no body could be fitted"):
        engine.seen_from(Motion(points[None]), np.array([90.0]))


@pytest.mark.parametrize("scale", [0.13, 0.5, 0.83])
def test_a_drawing_is_reduced_as_opencv_does(scale: float) -> None:
    rng = np.random.default_rng(0)
    box = rng.uniform(0, 255, (101, 77, 4)).astype(np.float32)
    drawing = Drawing(box, np.zeros((101, 77), dtype=np.float32), 31, 17, (160, 130))
    small = round(160 * scale), round(130 * scale)
    found = shrunk(drawing, np.array([[scale, 0, 0], [0, scale, 0]], dtype=np.float32), small)
    wanted = cv2.resize(drawing.whole()[0], small[::-1], interpolation=cv2.INTER_AREA)
    across, down = small[1] / 130, small[0] / 160
    back = np.array([[1 / across, 0, 0.5 / across - 0.5], [0, 1 / down, 0.5 / down - 0.5], [0, 0, 1]])
    matrix = (np.array([[scale, 0, 0], [0, scale, 0], [0, 0, 1]]) @ back)[:2].astype(np.float32)
    np.testing.assert_allclose(found, cv2.warpAffine(wanted, matrix, small[::-1]), atol=0.02)
    assert found.max() > 50
