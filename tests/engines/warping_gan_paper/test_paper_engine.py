from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, drawn_person, front_points
from torch import Tensor, nn

from motionwarp.checkpoints.checkpoint import save_checkpoint
from motionwarp.data.person_window import person_box, reshaped, window_around
from motionwarp.engines.base import Motion, RenderSettings
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.registry import make_engine
from motionwarp.engines.warping_gan_paper.engine import PaperEngine
from motionwarp.engines.warping_gan_paper.networks import (
    GeometricMatcher,
    GeometricMatcherConfig,
    PaperNetworks,
    PoseGuidedParser,
    PoseGuidedParserConfig,
    WarpingGenerator,
    WarpingGeneratorConfig,
    WarpingGeneratorOutput,
    save_paper_networks,
)
from motionwarp.errors import WeightsError
from motionwarp.geometry.warps import PartWarps
from motionwarp.types import FloatArray, PersonCrop


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("engine") / "paper.safetensors"
    networks = PaperNetworks(
        PoseGuidedParser(PoseGuidedParserConfig(base=2, blocks=1)),
        GeometricMatcher(GeometricMatcherConfig(channels=(4, 4, 4), regression=(4, 4), height=128, width=96)),
        WarpingGenerator(WarpingGeneratorConfig(base=2, blocks=1)),
    )
    save_paper_networks(path, networks)
    return path


class CopyParser(nn.Module):
    """Says that the target looks as the source does."""

    def forward(self, image: Tensor, parsing: Tensor, source: Tensor, target: Tensor) -> Tensor:
        return 40 * parsing


class StillMatcher(nn.Module):
    def forward(self, source: Tensor, target: Tensor) -> PartWarps:
        return PartWarps.identity(len(source), 1, size=3)


class CopyGenerator(nn.Module):
    def forward(
        self, image: Tensor, source: Tensor, target: Tensor, one: Tensor, other: Tensor, grid: Tensor
    ) -> WarpingGeneratorOutput:
        return WarpingGeneratorOutput(nn.functional.grid_sample(image, grid, align_corners=False), None)


def prepared(weights: Path, *, copying: bool, keep_parsing: bool = False, scale: int = 1) -> PaperEngine:
    engine = PaperEngine(weights)
    engine.prepare(
        drawn_person(), RenderSettings(torch.device("cpu"), torch.float32, scale * WIDTH, scale * HEIGHT, keep_parsing)
    )
    if copying:
        engine._parser, engine._matcher, engine._generator = CopyParser(), StillMatcher(), CopyGenerator()
    return engine


def moved(points: FloatArray, x: float, y: float, scale: float = 1.0) -> FloatArray:
    result = points.copy()
    result[:, :2] = scale * (result[:, :2] + 0.5) - 0.5 + (x, y)
    return result


def on_canvas(engine: PaperEngine, points: FloatArray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """One frame's colors, multiplied by alpha, and alpha; and the classes."""
    poses = points[None]
    layer = engine.render(Motion(poses), engine.plan(Motion(poses)))[0]
    rgba, classes = np.zeros((height, width, 4)), np.zeros((height, width))
    rows, columns = layer.rgba.shape[:2]
    place = np.s_[layer.top : layer.top + rows, layer.left : layer.left + columns]
    rgba[place] = layer.rgba
    if layer.parsing is not None:
        classes[place] = layer.parsing
    return rgba, classes


def test_networks_that_copy_leave_the_person_where_they_stand(weights: Path) -> None:
    source = drawn_person()
    # the window of the source is made with the matte too, so the person is as large but for a few per cent
    rgba, classes = on_canvas(prepared(weights, copying=True, keep_parsing=True), front_points(), WIDTH, HEIGHT)
    alpha = rgba[..., 3] / 255
    overlap = np.minimum(alpha, source.matte).sum() / np.maximum(alpha, source.matte).sum()
    assert overlap > 0.85
    solid = (alpha > 0.98) & (source.matte > 0.98)
    assert np.abs(rgba[solid][:, :3] - source.rgb[solid]).mean() < 12
    assert (classes[solid] == source.parsing[solid]).mean() > 0.85
    assert (rgba[..., :3] <= rgba[..., 3:]).all()


def test_the_person_moves_and_grows_with_the_pose(weights: Path) -> None:
    plain, _ = on_canvas(prepared(weights, copying=True, scale=2), moved(front_points(), 0, 0), 2 * WIDTH, 2 * HEIGHT)
    large, _ = on_canvas(
        prepared(weights, copying=True, scale=2), moved(front_points(), 0, 0, 2.0), 2 * WIDTH, 2 * HEIGHT
    )
    shifted, _ = on_canvas(
        prepared(weights, copying=True, scale=2), moved(front_points(), 100, 60), 2 * WIDTH, 2 * HEIGHT
    )
    assert large[..., 3].sum() / plain[..., 3].sum() == pytest.approx(4, rel=0.1)
    assert np.abs(np.roll(plain, (60, 100), (0, 1))[..., 3] - shifted[..., 3]).mean() < 1


def test_frames_do_not_depend_on_their_batch(weights: Path) -> None:
    engine = prepared(weights, copying=False, keep_parsing=True)
    poses = np.stack([moved(front_points(), 4 * step, 0) for step in range(3)])
    theta = engine.plan(Motion(poses))
    assert theta.dtype == np.float32
    assert theta.shape == (3, 6 + 18 + 3)
    together = engine.render(Motion(poses), theta)
    for step in range(3):
        alone = engine.render(Motion(poses[step : step + 1]), engine.plan(Motion(poses[step : step + 1])))[0]
        assert (alone.left, alone.top) == (together[step].left, together[step].top)
        assert np.abs(alone.rgba.astype(int) - together[step].rgba).max() <= 1
        assert alone.parsing is not None
        assert alone.parsing.shape == alone.rgba.shape[:2]


def test_a_person_who_reaches_the_border_of_the_window_is_not_darkened_there(weights: Path) -> None:
    engine = prepared(weights, copying=True, scale=2)
    window = PersonCrop(37.3, 21.6, 1.7, 96, 128)
    white, person = torch.ones(3, 128, 96), torch.ones(1, 128, 96)
    rgba = engine._cut_out(white, person, None, window).rgba.astype(int)
    assert rgba[..., 3].min() < 250  # the border is soft
    assert np.abs(rgba[..., :3] - rgba[..., 3:]).max() <= 1  # and white


@pytest.mark.parametrize("shift", [(-400.0, 0.0), (1000.0, 0.0), (0.0, 900.0), (-60.0, -40.0)])
def test_layers_lie_inside_the_frame(weights: Path, shift: tuple[float, float]) -> None:
    engine = prepared(weights, copying=False)
    poses = moved(front_points(), *shift)[None]
    layer = engine.render(Motion(poses), engine.plan(Motion(poses)))[0]
    rows, columns = layer.rgba.shape[:2]
    assert layer.left >= 0
    assert layer.top >= 0
    assert layer.left + columns <= WIDTH
    assert layer.top + rows <= HEIGHT


def test_nobody_is_drawn_where_nobody_is_seen(weights: Path) -> None:
    engine = prepared(weights, copying=False)
    poses = np.zeros((1, 18, 3), dtype=np.float32)
    layer = engine.render(Motion(poses), engine.plan(Motion(poses)))[0]
    assert not layer.rgba.any()


def test_files_say_which_engine_they_are_for(weights: Path, tmp_path: Path) -> None:
    engine = make_engine(str(weights))
    assert isinstance(engine, PaperEngine)
    assert engine.name == "warping_gan_paper"
    assert len(engine.weights_sha256) == 64
    assert not isinstance(engine, LayeredEngine)
    save_checkpoint(tmp_path / "part.safetensors", {"x": torch.zeros(1)}, "pose_guided_parser", {})
    with pytest.raises(WeightsError, match="which is no engine"):
        make_engine(str(tmp_path / "part.safetensors"))
    with pytest.raises(WeightsError):
        make_engine(str(tmp_path / "absent.safetensors"))


def test_an_engine_must_be_prepared(weights: Path) -> None:
    with pytest.raises(RuntimeError, match="prepare"):
        PaperEngine(weights).plan(Motion(front_points()[None]))


def test_a_window_of_another_shape_shows_all_of_the_first() -> None:
    first = PersonCrop(10, 20, 1.5, 192, 256)
    for height, width in ((256, 256), (128, 64), (256, 192)):
        other = reshaped(first, height, width)
        assert other.left <= first.left + 1e-6
        assert other.top <= first.top + 1e-6
        assert other.left + other.scale * other.width >= first.left + first.scale * first.width - 1e-6
        assert other.scale == pytest.approx(1.5 * max(256 / height, 192 / width))
    assert reshaped(first, 256, 192) == first


def test_the_box_holds_points_and_matte() -> None:
    person = drawn_person()
    left, top, right, bottom = person_box(person.pose.points, person.matte)
    rows, columns = np.nonzero(person.matte)
    assert left <= columns.min()
    assert top <= rows.min()
    assert right > columns.max()
    assert bottom > rows.max()
    assert window_around((left, top, right, bottom), HEIGHT, WIDTH).scale > 0
