from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from drawn_figure import HEIGHT, WIDTH, drawn_person, front_points
from torch import Tensor

from motionwarp.avatar.renderer import Drawing
from motionwarp.engines.warping_gan.blend_rows import ends_of_rows
from motionwarp.engines.warping_gan.blending import PartBlend, by_planes, part_blend
from motionwarp.engines.warping_gan.inputs import stacked_layers
from motionwarp.engines.warping_gan.networks import BLEND_COUNT, COMPOSITE, PAINTED, PartGeneratorOutput, apply_blend
from motionwarp.pose import skeleton as sk
from motionwarp.puppet.compositor import FramePiece, WarpedFrames, to_bytes
from motionwarp.puppet.person import PuppetPerson
from motionwarp.types import FloatArray, PersonCrop

WHOLE_WINDOW = torch.eye(2, 3)


def waving(size: float = 1.0) -> FloatArray:
    """The figure with a raised arm before its face, in a frame of the window's shape, `size` times as large."""
    points = front_points()
    points[sk.LEFT_ELBOW, :2], points[sk.LEFT_WRIST, :2] = (186, 62), (150, 40)
    points[:, :2] = (points[:, :2] + 0.5) * size - 0.5
    return points


def warped(points: FloatArray, height: int, width: int) -> list[WarpedFrames]:
    person = PuppetPerson(drawn_person(), torch.device("cpu"), keep_parsing=True)
    poses = torch.from_numpy(points)[None]
    return list(person.warped(poses, person.plan(poses), height, width))


def rendered(points: FloatArray, height: int, width: int) -> FramePiece:
    person = PuppetPerson(drawn_person(), torch.device("cpu"), keep_parsing=True)
    poses = torch.from_numpy(points)[None]
    frame = person.render(poses, person.plan(poses), height, width)[0]
    assert frame is not None
    return frame


def blend_parts(
    group: WarpedFrames, position: int, recipe: PartGeneratorOutput, frame: int, to_frame: Tensor,
    size: tuple[int, int] | None = None,
) -> FramePiece | None:  # fmt: skip
    blend = part_blend(group, position, recipe, frame, to_frame, size)
    return None if blend is None else blend.piece()


def recipe_of(**planes: Tensor) -> PartGeneratorOutput:
    """A recipe of one frame: the composite everywhere but for what is given."""
    logits = torch.full((1, BLEND_COUNT, 128, 96), -8.0)
    logits[:, COMPOSITE] = 8
    made = PartGeneratorOutput(logits, torch.full((1, 3, 128, 96), 0.5), torch.zeros(1, 1, 128, 96), None)
    return made._replace(**planes)


def smooth(channels: int, low: float, high: float, seed: int, cells: Sequence[int] = (9, 7)) -> Tensor:
    """Planes that vary slowly, (1, channels, 128, 96)."""
    rng = np.random.default_rng(seed)
    planes = [
        cv2.resize(rng.uniform(low, high, cells), (96, 128), interpolation=cv2.INTER_CUBIC) for _ in range(channels)
    ]
    return torch.from_numpy(np.stack(planes).clip(low, high).astype(np.float32))[None]


def any_recipe() -> PartGeneratorOutput:
    return PartGeneratorOutput(smooth(BLEND_COUNT, -6, 6, 0), smooth(3, 0, 1, 1), smooth(1, -1.5, 1.5, 2), None)


def on_frame(frame: FramePiece | None, height: int, width: int) -> Tensor:
    """The person in the whole frame, (4, H, W)."""
    assert frame is not None
    canvas = torch.zeros(4, height, width)
    rows, columns = frame.rgba.shape[1:]
    canvas[:, frame.top : frame.top + rows, frame.left : frame.left + columns] = frame.rgba
    return canvas


def test_all_weight_on_the_composite_gives_the_layered_engines_picture() -> None:
    points = waving(0.8)
    got = blend_parts(warped(points, 256, 192)[0], 0, recipe_of(), 0, WHOLE_WINDOW)
    wanted = rendered(points, 256, 192)
    assert got is not None
    assert (got.left, got.top) == (wanted.left, wanted.top)
    # alpha's last two per cent are stretched away, which is all that differs
    assert (got.rgba[3] - wanted.rgba[3]).abs().max() < 0.0201
    assert got.parsing is not None
    assert wanted.parsing is not None
    torch.testing.assert_close(got.parsing, wanted.parsing)
    covered = wanted.rgba[3] > 0.05
    straight = [frame.rgba[:3, covered] / frame.rgba[3, covered] for frame in (got, wanted)]
    torch.testing.assert_close(*straight, atol=2e-3, rtol=0)
    assert covered.sum() > 5000


def test_it_is_what_training_made_of_the_same_recipe() -> None:
    """At the window's resolution, box by box equals all layers at once, wherever the person's box is."""
    recipe, groups = any_recipe(), warped(waving(0.8), 256, 192)
    frame = blend_parts(groups[0], 0, recipe, 0, WHOLE_WINDOW)
    assert frame is not None
    layers, classes = stacked_layers(groups, 1, 256, 192)
    rgb, alpha = apply_blend(layers, recipe)
    rows, columns = frame.rgba.shape[1:]
    box = np.s_[frame.top : frame.top + rows, frame.left : frame.left + columns]
    torch.testing.assert_close(frame.rgba[3], alpha[0, 0][box], atol=1e-4, rtol=0)
    torch.testing.assert_close(frame.rgba[:3], (rgb * alpha)[0][:, box[0], box[1]], atol=1e-4, rtol=0)
    assert frame.parsing is not None
    assert torch.equal(frame.parsing, classes[0, 0][box])
    assert float(layers[0, -1, 3].sum()) == pytest.approx(float(layers[0, -1, 3][box].sum()), rel=1e-5)
    plain = on_frame(blend_parts(groups[0], 0, recipe_of(), 0, WHOLE_WINDOW), 256, 192)
    changed = (on_frame(frame, 256, 192) - plain).abs()
    assert changed[:, plain[3] > 0.5].mean() > 0.03, "this recipe changes nothing, so nothing was tested"


@pytest.mark.parametrize("factor", [2, 4])
def test_a_finer_frame_has_the_same_picture_on_average(factor: int) -> None:
    recipe = any_recipe()
    coarse_crop, fine_crop = PersonCrop(0, 0, WIDTH / 192), PersonCrop(0, 0, factor * WIDTH / 192)
    coarse = blend_parts(
        warped(waving(), HEIGHT, WIDTH)[0], 0, recipe, 0, torch.from_numpy(coarse_crop.crop_to_frame())
    )
    height, width = factor * HEIGHT, factor * WIDTH
    fine = blend_parts(
        warped(waving(factor), height, width)[0], 0, recipe, 0, torch.from_numpy(fine_crop.crop_to_frame())
    )
    wanted = on_frame(coarse, HEIGHT, WIDTH)
    means = torch.nn.functional.avg_pool2d(on_frame(fine, height, width)[None], factor)[0]
    difference = (means - wanted).abs()
    assert difference.mean() < 0.004
    # away from edges of parts, where sampling blurs, they are equal
    inside = cv2.erode((wanted[3].numpy() > 0.99).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.median(difference[:, torch.from_numpy(inside)].numpy()) < 0.004
    assert inside.sum() > 2000
    # a shift by one pixel would be seen
    assert (torch.roll(means, 1, dims=2) - wanted).abs().mean() > 2 * difference.mean()


def test_the_finer_frame_keeps_the_sources_own_pixels() -> None:
    """With all weight on one part, its colors come from the source at any resolution."""
    recipe = recipe_of()
    recipe.blend_logits[:, 8] = 8  # the left hand
    for factor in (1, 3):
        crop = torch.from_numpy(PersonCrop(0, 0, factor * WIDTH / 192).crop_to_frame())
        group = warped(waving(factor), factor * HEIGHT, factor * WIDTH)[0]
        hand = group.layers[8].of_frame(0)
        assert hand is not None
        drawn = on_frame(blend_parts(group, 0, recipe, 0, crop), factor * HEIGHT, factor * WIDTH)
        alone = on_frame(FramePiece(hand.rgba, None, hand.left, hand.top), factor * HEIGHT, factor * WIDTH)
        mixed = alone[3] > 0.99
        plain = on_frame(blend_parts(group, 0, recipe_of(), 0, crop), factor * HEIGHT, factor * WIDTH)
        # hand and composite weigh the same here
        torch.testing.assert_close(
            drawn[:3, mixed] / drawn[3, mixed], (0.5 * (alone + plain / plain[3]))[:3, mixed], atol=0.02, rtol=0
        )
        assert mixed.sum() > 50 * factor**2


def test_paint_lies_where_the_window_says() -> None:
    """Red grows with the window's x, green with its y; beyond the window its edge goes on."""
    x, y = torch.arange(96.0) * 2 + 0.5, torch.arange(128.0) * 2 + 0.5  # middles of the recipe's cells in the window
    painted = torch.zeros(1, 3, 128, 96)
    painted[0, 0], painted[0, 1] = (x / 192)[None, :], (y / 256)[:, None]
    logits = torch.full((1, BLEND_COUNT, 128, 96), -8.0)
    logits[:, PAINTED] = 8
    crop = PersonCrop(70.3, 60.8, 0.53)  # much smaller than the person
    frame = blend_parts(
        warped(waving(), HEIGHT, WIDTH)[0],
        0,
        recipe_of(blend_logits=logits, painted=painted),
        0,
        torch.from_numpy(crop.crop_to_frame()),
    )
    rgba = on_frame(frame, HEIGHT, WIDTH)
    rows, columns = torch.nonzero(rgba[3] > 0.9, as_tuple=True)
    to_window = crop.frame_to_crop()
    for plane, places, scale, shift, size in (
        (0, columns, to_window[0, 0], to_window[0, 2], 192), (1, rows, to_window[1, 1], to_window[1, 2], 256)
    ):  # fmt: skip
        wanted = (places * scale + shift).clamp(0.5, size - 1.5) / size
        got = rgba[plane, rows, columns] / rgba[3, rows, columns]
        torch.testing.assert_close(got, wanted.float(), atol=3e-3, rtol=0)
        assert ((places * scale + shift) > size + 5).any()
        assert ((places * scale + shift) < -5).any()


def test_alpha_is_shifted_inside_the_window() -> None:
    group = warped(waving(0.8), 256, 192)[0]
    half = torch.zeros(1, 1, 128, 96)
    half[..., :64, :], half[..., 64:, :] = -40, 40
    alpha = on_frame(blend_parts(group, 0, recipe_of(alpha_shift=half), 0, WHOLE_WINDOW), 256, 192)[3]
    still = on_frame(blend_parts(group, 0, recipe_of(), 0, WHOLE_WINDOW), 256, 192)[3]
    assert alpha[:124].max() == 0
    assert still[:124].max() == 1
    assert alpha[132:][still[132:] > 0.1].min() > 0.999


def test_frames_of_a_batch_have_recipes_of_their_own() -> None:
    person = PuppetPerson(drawn_person(), torch.device("cpu"))
    poses = torch.from_numpy(np.stack([waving(0.8), waving(0.8)]))
    (group,) = person.warped(poses, person.plan(poses), 256, 192)
    one, other = any_recipe(), recipe_of()
    both = PartGeneratorOutput(*(torch.cat(planes) for planes in zip(one[:3], other[:3], strict=True)), None)
    for position, alone in enumerate((one, other)):
        drawn = blend_parts(group, position, both, int(group.frames[position]), WHOLE_WINDOW)
        single = blend_parts(group, position, alone, 0, WHOLE_WINDOW)
        assert drawn is not None
        assert single is not None
        assert torch.equal(drawn.rgba, single.rgba)
        assert drawn.parsing is None


def test_nobody_is_none() -> None:
    far = waving(0.8)
    far[:, :2] += 5000
    near = waving(0.8)
    person = PuppetPerson(drawn_person(), torch.device("cpu"))
    poses = torch.from_numpy(np.stack([near, far]))
    recipe = PartGeneratorOutput(*(torch.cat([plane, plane]) for plane in recipe_of()[:3]), None)
    drawn = {
        int(frame): blend_parts(group, position, recipe, int(frame), WHOLE_WINDOW)
        for group in person.warped(poses, person.plan(poses), 256, 192)
        for position, frame in enumerate(group.frames)
    }
    assert drawn[0] is not None
    assert drawn[1] is None or drawn[1].rgba[3].max() == 0


def test_a_limb_that_no_part_has_is_painted_beyond_the_parts() -> None:
    """The outline grows where the recipe says so, within the frame, and only there."""
    group = warped(waving(), HEIGHT, WIDTH)[0]
    recipe = recipe_of()
    recipe.alpha_shift[:, :, 100:110, :6] = 12.0
    kept, grown = (blend_parts(group, 0, recipe, 0, WHOLE_WINDOW, size) for size in (None, (HEIGHT, WIDTH)))
    assert kept is not None
    assert grown is not None
    before, after = on_frame(kept, HEIGHT, WIDTH), on_frame(grown, HEIGHT, WIDTH)
    assert after[3, 202:218, 1:10].min() > 0.95
    assert before[3, 202:218, 1:10].max() == 0
    outside = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    outside[196:224, :16] = False
    torch.testing.assert_close(after[:, outside], before[:, outside], atol=1e-4, rtol=0)


@pytest.fixture
def bodied() -> PartBlend:
    """A blend of parts, of which some are drawn twice, and of a body that reaches out of their box on two sides."""
    rng = np.random.default_rng(3)
    rgba = rng.uniform(0, 255, (150, 120, 4)).astype(np.float32)
    rgba[..., :3] *= rgba[..., 3:] / 255
    rgba[:20] = 0
    body = Drawing(rgba, np.zeros((150, 120), dtype=np.float32), 0, 40, (HEIGHT, WIDTH))
    group = warped(waving(), HEIGHT, WIDTH)[0]
    group.depth[:] = torch.tensor([0.05, 0.9, -0.1])
    plain = any_recipe()
    recipe = plain._replace(body_logit=smooth(1, -3, 3, 5), body_alpha=smooth(1, -3, 3, 6))
    to_frame = torch.from_numpy(PersonCrop(3.3, -4.1, WIDTH / 185).crop_to_frame())
    blend = part_blend(group, 0, recipe, 0, to_frame, (HEIGHT, WIDTH), body)
    assert blend is not None
    return blend


def test_loops_of_the_cpu_do_what_other_devices_do(bodied: PartBlend) -> None:
    for blend in (bodied, replace(bodied, body=None)):
        piece = blend.piece()
        rgba, classes = by_planes(blend)
        torch.testing.assert_close(piece.rgba, rgba, atol=1e-5, rtol=0)
        assert piece.parsing is not None
        assert classes is not None
        # alpha decides at a quarter, which rounding may cross
        assert (piece.parsing != classes).float().mean() < 1e-4
        assert classes.max() > 5


def test_rows_begin_and_end_where_they_show_anything() -> None:
    picture = np.zeros((4, 50, 4), dtype=np.float32)
    picture[..., :3] = 9  # colors alone show nothing
    picture[1, [7, 30], 3] = 0.1
    picture[2, 49, 3], picture[3, 0, 3] = 255, 255
    assert ends_of_rows(picture).tolist() == [[50, 0], [7, 31], [49, 50], [0, 1]]


def test_bytes_are_the_rounded_numbers(bodied: PartBlend) -> None:
    piece, layer = bodied.piece(), bodied.layer()
    np.testing.assert_array_equal(layer.rgba, to_bytes(piece.rgba))
    assert (layer.left, layer.top) == (piece.left, piece.top)
    assert piece.parsing is not None
    assert layer.parsing is not None
    # a quarter of alpha decides, before rounding or after
    assert (layer.parsing != piece.parsing.numpy()).mean() < 1e-3
    assert (layer.rgba[..., :3] <= layer.rgba[..., 3:]).all()
