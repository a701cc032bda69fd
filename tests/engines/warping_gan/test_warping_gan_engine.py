"""The warping_gan engine with random weights, on a drawn person: what it promises whatever networks have learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, drawn_person, front_points
from torch import nn

from motionwarp.checkpoints.checkpoint import half_precision, save_checkpoint
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.registry import make_engine
from motionwarp.engines.warping_gan.engine import WarpingGanEngine
from motionwarp.engines.warping_gan.networks import (
    ARCHITECTURE,
    COMPOSITE,
    PartGenerator,
    PartGeneratorConfig,
    PartParser,
    PartParserConfig,
    WarpingNetworks,
    load_warping_networks,
    save_warping_networks,
)
from motionwarp.errors import NoPersonError, WeightsError
from motionwarp.pose import skeleton as sk
from motionwarp.types import FloatArray, PersonLayer, SourcePerson

PARSER = PartParserConfig(channels=(4, 8, 8), blocks=(1, 1, 1))
GENERATOR = PartGeneratorConfig(channels=(4, 8, 8, 8), blocks=(1, 1, 1), warped_channels=4)


def lively(network: nn.Module, strength: float, *shapes: tuple[int, ...]) -> nn.Module:
    """Give the norms statistics, so that something reaches the last layer, and that one weights that show."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for _ in range(20):
            network.train()(*(torch.rand(2, *shape, generator=generator) for shape in shapes))
        head = network.get_submodule("head")
        head.weight.normal_(std=strength / head.weight[0].numel() ** 0.5, generator=generator)
    return network.eval()


def networks() -> WarpingNetworks:
    torch.manual_seed(0)
    generator = lively(PartGenerator(GENERATOR), 2.0, (64, 32, 24), (15, 32, 24), (36, 16, 12), (60,))
    return WarpingNetworks(PartParser(PARSER), generator)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of networks that nobody trained."""
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_warping_networks(path, networks())
    return path


def prepared(
    weights: Path,
    source: SourcePerson | None = None,
    width: int = WIDTH,
    height: int = HEIGHT,
    keep_parsing: bool = False,
) -> WarpingGanEngine:
    engine = WarpingGanEngine(weights)
    settings = RenderSettings(torch.device("cpu"), torch.float32, width, height, keep_parsing)
    engine.prepare(drawn_person() if source is None else source, settings)
    return engine


def rendered(engine: Engine, *poses: FloatArray) -> Sequence[PersonLayer]:
    batch = np.stack(poses)
    return engine.render(Motion(batch), engine.plan(Motion(batch)))


def on_black(layer: PersonLayer, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """The layer in the whole frame, int (H, W, 4)."""
    frame = np.zeros((height, width, 4), dtype=np.int64)
    box = layer.rgba.shape
    frame[layer.top : layer.top + box[0], layer.left : layer.left + box[1]] = layer.rgba
    return frame


def swaying(count: int) -> list[FloatArray]:
    poses = []
    for phase in np.linspace(0, 2 * np.pi, count, endpoint=False):
        points = front_points()
        points[[sk.RIGHT_ELBOW, sk.RIGHT_WRIST, sk.LEFT_KNEE, sk.LEFT_ANKLE], 0] += np.array([6, 14, 5, 8]) * np.sin(
            phase
        )
        points[:, :2] += 5 * np.cos(phase)
        poses.append(points)
    return poses


def upper_body() -> FloatArray:
    """Seen from the waist up, twice as large, the rest below the frame."""
    points = front_points()
    points[:, :2] = 1.9 * points[:, :2] - (1.9 * 120 - WIDTH / 2, 40)
    points[points[:, 1] > HEIGHT, 2] = 0
    assert (points[[sk.RIGHT_KNEE, sk.LEFT_KNEE], 2] == 0).all()
    return points


def test_theta_has_one_length_and_varies_smoothly(weights: Path) -> None:
    engine = prepared(weights)
    theta = engine.plan(Motion(np.stack(swaying(24))))
    assert theta.dtype == np.float32
    assert theta.shape[0] == 24
    assert engine.plan(Motion(upper_body()[None])).shape == (1, theta.shape[1])
    assert np.isfinite(theta).all()
    # a fine sampling of a smooth motion has small second differences against the first ones
    scale = np.abs(np.diff(theta, axis=0)).max()
    assert np.abs(np.diff(theta, n=2, axis=0)).max() < 0.5 * scale


def test_batches_do_not_matter(weights: Path) -> None:
    engine, poses = prepared(weights), [*swaying(3), upper_body()]
    theta = engine.plan(Motion(np.stack(poses)))
    alone = np.concatenate([engine.plan(Motion(pose[None])) for pose in poses])
    np.testing.assert_allclose(theta, alone, atol=2e-3)
    together = engine.render(Motion(np.stack(poses)), theta)
    assert len(together) == len(poses)
    for start, end in ((0, 1), (1, 4)):
        part = engine.render(Motion(np.stack(poses[start:end])), theta[start:end])
        for one, other in zip(part, together[start:end], strict=True):
            assert np.abs(on_black(one) - on_black(other)).max() <= 1


def test_it_is_repeatable_and_leaves_its_arguments_alone(weights: Path) -> None:
    poses = np.stack(swaying(2))
    engine = prepared(weights)
    theta = engine.plan(Motion(poses))
    before = poses.copy(), theta.copy()
    first = engine.render(Motion(poses), theta)
    np.testing.assert_array_equal(poses, before[0])
    np.testing.assert_array_equal(theta, before[1])
    for one, other in zip(first, rendered(prepared(weights), *swaying(2)), strict=True):
        np.testing.assert_array_equal(one.rgba, other.rgba)
        assert (one.left, one.top) == (other.left, other.top)


def test_layers_are_premultiplied_and_inside_the_frame(weights: Path) -> None:
    poses = swaying(2)
    for shift in ((-150, 0), (170, 40), (0, -230), (30, 250)):
        moved = front_points()
        moved[:, :2] += shift
        poses.append(moved)
    engine = prepared(weights, keep_parsing=True)
    for layer in rendered(engine, *poses):
        height, width = layer.rgba.shape[:2]
        assert layer.rgba.dtype == np.uint8
        assert (layer.rgba[..., :3] <= layer.rgba[..., 3:]).all()
        assert min(layer.left, layer.top) >= 0
        assert layer.left + width <= WIDTH
        assert layer.top + height <= HEIGHT
        assert layer.parsing is not None
        assert layer.parsing.shape == (height, width)
        assert set(np.unique(layer.parsing)) <= {0, *np.unique(drawn_person().parsing)}
    assert prepared(weights).render(Motion(poses[0][None]), engine.plan(Motion(poses[0][None])))[0].parsing is None


def test_networks_have_a_say(weights: Path) -> None:
    layered = LayeredEngine()
    layered.prepare(drawn_person(), RenderSettings(torch.device("cpu"), torch.float32, WIDTH, HEIGHT))
    one, other = (on_black(rendered(engine, front_points())[0]) for engine in (layered, prepared(weights)))
    assert np.abs(one - other).max() > 10
    assert np.abs(one - other).mean() > 0.4


def test_a_generator_that_shows_the_composite_is_the_layered_engine(tmp_path: Path) -> None:
    shown = networks()
    with torch.no_grad():
        shown.generator.head.weight.zero_()
        shown.generator.head.bias.fill_(-12.0)
        shown.generator.head.bias[COMPOSITE] = 12.0
        shown.generator.head.bias[-1] = 0.0
    save_warping_networks(tmp_path / "composite.safetensors", shown)
    layered = LayeredEngine()
    layered.prepare(drawn_person(), RenderSettings(torch.device("cpu"), torch.float32, WIDTH, HEIGHT))
    poses = [*swaying(2), upper_body()]
    for one, other in zip(
        rendered(prepared(tmp_path / "composite.safetensors"), *poses), rendered(layered, *poses), strict=True
    ):
        # alpha's ends are stretched by two per cent
        assert np.abs(on_black(one) - on_black(other)).max() <= 7
        assert np.abs(on_black(one) - on_black(other)).mean() < 0.2


def test_a_larger_frame_gives_the_same_person_larger(weights: Path) -> None:
    larger = front_points()
    larger[:, :2] = 2 * larger[:, :2] + 0.5  # pixel centers at integers
    small = on_black(rendered(prepared(weights), front_points())[0])
    large = on_black(rendered(prepared(weights, width=2 * WIDTH, height=2 * HEIGHT), larger)[0], 2 * WIDTH, 2 * HEIGHT)
    means = large.reshape(HEIGHT, 2, WIDTH, 2, 4).mean(axis=(1, 3))
    assert np.abs(means - small).mean() < 1.5
    assert small[..., 3].mean() > 10


def test_half_bodies_fill_the_window_and_show_no_legs(weights: Path) -> None:
    engine = prepared(weights)
    layer = rendered(engine, upper_body())[0]
    frame = on_black(layer)
    head = np.rint(upper_body()[sk.NOSE, :2]).astype(int)
    assert frame[head[1], head[0], 3] > 100
    assert np.isfinite(frame).all()
    # a source of whom only the upper body is seen can be posed too, whole or not
    source = front_points()
    source[[sk.RIGHT_KNEE, sk.RIGHT_ANKLE, sk.LEFT_KNEE, sk.LEFT_ANKLE]] = 0
    for layer in rendered(prepared(weights, drawn_person(source)), front_points(), upper_body()):
        assert on_black(layer)[..., 3].max() > 200
    legs = on_black(rendered(prepared(weights, drawn_person(source)), front_points())[0])[250:, :, 3]
    assert legs.max() < 128


def test_frames_without_a_person_show_nothing(weights: Path) -> None:
    engine = prepared(weights)
    nobody = np.zeros((18, 3), dtype=np.float32)
    far = front_points()
    far[:, :2] += 5000
    theta = engine.plan(Motion(np.stack([nobody, front_points(), far])))
    assert np.isfinite(theta).all()
    layers = engine.render(Motion(np.stack([nobody, front_points(), far])), theta)
    assert layers[0].rgba.max() == 0
    assert layers[1].rgba.max() > 200
    assert layers[2].rgba.max() == 0
    alone = rendered(engine, nobody)
    assert alone[0].rgba.max() == 0
    assert rendered(engine, far)[0].rgba.max() == 0


def test_a_person_in_a_tiny_or_huge_place_is_drawn(weights: Path) -> None:
    engine = prepared(weights)
    tiny, huge = front_points(), front_points()
    tiny[:, :2] = 0.06 * tiny[:, :2] + 100
    huge[:, :2] = 6 * (huge[:, :2] - (120, 60)) + (120, 60)
    for layer in rendered(engine, tiny, huge):
        assert layer.rgba[..., 3].max() > 100


def test_bfloat16_gives_nearly_the_same(weights: Path) -> None:
    exact = prepared(weights)
    rough = WarpingGanEngine(weights)
    rough.prepare(drawn_person(), RenderSettings(torch.device("cpu"), torch.bfloat16, WIDTH, HEIGHT))
    pose = swaying(3)[1]
    difference = np.abs(on_black(rendered(exact, pose)[0]) - on_black(rendered(rough, pose)[0]))
    assert difference.mean() < 2


def test_what_is_decided_can_be_looked_at(weights: Path) -> None:
    engine, poses = prepared(weights), np.stack(swaying(4)[:2])
    assert engine.explains
    pictures = engine.explain(Motion(poses), engine.plan(Motion(poses)))
    assert len(pictures) == 2
    for picture in pictures:
        assert picture.dtype == np.uint8
        assert picture.shape == pictures[0].shape
        assert picture.std() > 10
    assert (cv2.absdiff(pictures[0], pictures[1]) > 0).any()


def test_it_must_be_prepared_and_needs_an_upper_body(weights: Path) -> None:
    engine = WarpingGanEngine(weights)
    with pytest.raises(RuntimeError, match="prepare must be called"):
        engine.plan(Motion(front_points()[None]))
    legs = front_points()
    legs[: sk.RIGHT_HIP] = 0
    with pytest.raises(NoPersonError, match="shoulders"):
        prepared(weights, drawn_person(legs))


def test_a_file_of_weights_is_an_engine(weights: Path) -> None:
    engine = make_engine(str(weights))
    assert isinstance(engine, WarpingGanEngine)
    assert engine.name == "warping_gan"
    assert len(engine.weights_sha256) == 64


def test_networks_come_back_as_they_were_written(tmp_path: Path) -> None:
    written = networks()
    save_warping_networks(tmp_path / "all.safetensors", written, {"step": "7"})
    read = load_warping_networks(tmp_path / "all.safetensors")
    for name in ("parser", "generator"):
        one, other = getattr(written, name), getattr(read, name)
        assert one.config == other.config
        assert not other.training
        for key, value in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[key], value.half().to(value.dtype), msg=f"{name} {key}")


def saved(path: Path, *names: str, change: Callable[[dict[str, object]], object] = lambda config: None) -> Path:
    """Weights that hold some networks, with their configuration changed."""
    whole = networks()
    tensors, config = {}, {}
    for name in names:
        network = getattr(whole, name)
        tensors |= {f"{name}.{key}": value for key, value in half_precision(network).items()}
        config[name] = asdict(network.config)
    change(config)
    return save_checkpoint(path, tensors, ARCHITECTURE, config)


@pytest.mark.parametrize("names", [("parser",), ("generator",), ()])
def test_files_that_lack_a_stage_are_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(WeightsError, match=r"half\.safetensors.*lacks"):
        WarpingGanEngine(saved(tmp_path / "half.safetensors", *names))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config["generator"].update(wings=2), "generator"),
        (lambda config: config["parser"].update(channels=[4, 8]), "parser"),
        (lambda config: config["parser"].update(channels=[4, 8, 8.5]), "parser"),
        (lambda config: config["parser"].update(blocks=[1]), "parser"),
        (lambda config: config["generator"].update(blocks=5), "generator"),
        (lambda config: config.update(parser=None), "parser"),
        (lambda config: config["generator"].update(warped_channels=9), "another shape"),
        (lambda config: config["generator"].update(warping=False), "unknown to it"),
    ],
)
def test_configurations_that_cannot_be_made_are_named(
    tmp_path: Path, change: Callable[[dict[str, object]], object], message: str
) -> None:
    path = saved(tmp_path / "odd.safetensors", "parser", "generator", change=change)
    with pytest.raises(WeightsError, match=rf"odd\.safetensors.*{message}"):
        WarpingGanEngine(path)


def test_files_with_a_matcher_are_refused(tmp_path: Path) -> None:
    """Their generator has learned from parts that were matched, which they are not any more."""
    path = saved(tmp_path / "old.safetensors", "parser", "generator", change=lambda config: config.update(matcher={}))
    with pytest.raises(WeightsError, match=r"old\.safetensors.*does not know: matcher"):
        WarpingGanEngine(path)


def test_other_files_are_refused(tmp_path: Path, weights: Path) -> None:
    parser = PartParser(PARSER)
    save_checkpoint(tmp_path / "parser.safetensors", half_precision(parser), "part_parser", {"network": asdict(PARSER)})
    with pytest.raises(WeightsError, match=r"parser\.safetensors.*'part_parser', not for 'warping_gan'"):
        WarpingGanEngine(tmp_path / "parser.safetensors")
    with pytest.raises(WeightsError, match="no such file"):
        WarpingGanEngine(tmp_path / "absent.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="truncated"):
        WarpingGanEngine(tmp_path / "cut.safetensors")
