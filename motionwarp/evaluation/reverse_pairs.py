"""Reverse pairs.

A real photo is the target, and the source is made from it, so that single photos can test pose transfer.

For a photo I with the person in pose P, another pose P' is drawn and the layered engine moves the person into it: I'.
The task is (I', P', P) to I. The target is real; the source has what a mover of pixels does to a person, so an engine
has to cope with tears and stretched cloth in its input, and no metric can be perfect: what I' lost is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from motionwarp.data.ccp import CcpPhoto, photo_names, read_photos
from motionwarp.data.reposed import clip_poses, other_pose
from motionwarp.engines.base import RenderSettings
from motionwarp.errors import InputError, NoPersonError
from motionwarp.evaluation.comparison import Comparison
from motionwarp.evaluation.frame_metrics import FrameScorer, TargetView
from motionwarp.evaluation.options import ReverseSettings
from motionwarp.evaluation.scoring import Scorer
from motionwarp.evaluation.systems import SourceView, make_systems
from motionwarp.evaluation.windows import SURE_SCORE, matte_in, on_plain, person_box, person_window, picture_in
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.framing import box_of_matte, crop_around, visible_box
from motionwarp.perception.inference import CropPredictor
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.puppet.repose import repose
from motionwarp.types import CROP_HEIGHT, CROP_WIDTH, ByteArray, FloatArray, PersonCrop, Pose, SourcePerson

# draws of a pose before a photo is given up: some drivers' torsos are not seen
_DRAWS = 20
# the sure points and their margins fill this much of the canvas on which the source is made: legs that no point is sure
# of, and wide cloth, must not be cut off ...
_FILL = 0.425
# ... and then the person is cut out with this much around, as a share of the longer side
_AROUND = 0.08


@dataclass(frozen=True, eq=False)
class ReversePair:
    """One task.

    Attributes
    ----------
    name : str
        Name of the photo.
    source : SourceView
        The made source.
    target : TargetView
        The real photo, framed.
    """

    name: str
    source: SourceView
    target: TargetView


def evaluate_reverse_pairs(
    data_folder: Path,
    engines: Sequence[str],
    settings: ReverseSettings | None = None,
    *,
    estimator: Estimator | None = None,
    reader: CropPredictor | None = None,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Comparison:
    """Let engines put people of validation photos back into the poses of the photos.

    Parameters
    ----------
    data_folder : Path
        With `ccp` and `video`.
    engines : sequence of str
        Names or files as for `make_engine`, and "copy".
    settings : ReverseSettings, optional
    estimator, reader, device, dtype, progress
        As for `evaluate_clip`.

    Returns
    -------
    Comparison
        Its frames are photos.

    Raises
    ------
    InputError
        If no photo can be used.
    OptionError
        If engines are named twice or unknown.
    """
    rules = settings or ReverseSettings()
    where = device or torch.device("cpu")
    systems = make_systems(engines)
    seer = estimator or BuiltinEstimator.load(where, dtype)
    if reader is None:
        reader = seer.reader if isinstance(seer, BuiltinEstimator) else BuiltinEstimator.load(where, dtype).reader
    names = chosen_photos(data_folder, rules)
    scorer = Scorer(
        FrameScorer(reader),
        [each.name for each in systems],
        [int(name) for name in names],
        rules.rows,
        False,
        "{:04d}".format,
    )
    used = 0
    for pair in reverse_pairs(data_folder, names, rules, seer):
        poses = pair.target.pose.points[None]
        results = []
        for system in systems:
            system.prepare(pair.source, RenderSettings(where, dtype, CROP_WIDTH, CROP_HEIGHT))
            results.append(system.render(poses, system.plan(poses)))
        scorer.add([(int(pair.name), pair.target)], results, [pair.source.framed.rgb])
        used += 1
        if progress is not None:
            progress("photos", used, len(names))
    if not used:
        raise InputError(
            "no photo of the split can be used", subject=data_folder, remedy="Check that the data set is complete"
        )
    return scorer.comparison("photos", {"photos_left_out": len(names) - used}, None)


def chosen_photos(data_folder: Path, settings: ReverseSettings) -> list[str]:
    """Return the names of the photos to be used, sorted."""
    return sorted(shuffled_photos(data_folder, settings.seed)[: settings.count])


def shuffled_photos(data_folder: Path, seed: int) -> list[str]:
    """Return the names of all photos of the validation split in an order that the seed decides."""
    names = photo_names(data_folder / "ccp", "validation")
    return [names[place] for place in np.random.default_rng(seed).permutation(len(names))]


def reverse_pairs(
    data_folder: Path, names: list[str], settings: ReverseSettings, estimator: Estimator
) -> Generator[ReversePair, None, None]:
    """Yield the tasks that photos give.

    Poses are drawn as for training: of the training clips, of other validation photos, and with limbs turned at random.

    Parameters
    ----------
    data_folder : Path
    names : list of str
        Names of the photos.
    settings : ReverseSettings
    estimator : Estimator
        Gives parsings: of the photo for the layered engine, of the made source for systems.
    """
    poses_of_clips = clip_poses(data_folder / "video")
    points = json.loads((data_folder / "ccp" / "keypoints18.json").read_text(encoding="utf-8"))
    validation = {
        name: np.array(points[name], dtype=np.float32) for name in photo_names(data_folder / "ccp", "validation")
    }
    for photo in read_photos(data_folder / "ccp", names):
        rng = np.random.default_rng([settings.seed, int(photo.name)])
        photo_poses = [pose for name, pose in validation.items() if name != photo.name]
        draws = (other_pose(photo.pose.points, poses_of_clips, photo_poses, rng) for _ in range(_DRAWS))
        other = next((pose for pose in draws if pose is not None), None)
        source = None if other is None else made_source(photo, Pose(other), settings, estimator)
        if source is not None:
            yield ReversePair(photo.name, source, _target(photo, settings.background))


def made_source(photo: CcpPhoto, other: Pose, settings: ReverseSettings, estimator: Estimator) -> SourceView | None:
    """Move a photo's person into another pose, on a plain background.

    Returns
    -------
    SourceView or None
        With the pose that it shows, the matte that it was made with, and the parsing that the estimator sees in it.
        None if the photo's points show no body to move, or nothing of it is left in the picture.
    """
    # twice a crop's size, so that what fills half of it has a crop's resolution
    height, width = round(2 * CROP_HEIGHT * settings.source_detail), round(2 * CROP_WIDTH * settings.source_detail)
    window = crop_around(visible_box(other.points, SURE_SCORE), fill=_FILL, width=width, height=height)
    pose = other.transformed(window.frame_to_crop())
    try:
        seen = estimator.analyze_picture(photo.rgb, given_pose=photo.pose)
        labels = parsing_in_frame(photo.rgb, seen, photo.matte)
        rgb, matte, _, pose = repose(photo.rgb, photo.matte, labels, photo.pose, pose, height, width)
        cut = _cut(matte)
        if cut is None:
            return None
        rgb, matte = np.ascontiguousarray(rgb[cut]), np.ascontiguousarray(matte[cut])
        pose = pose.transformed([[1, 0, -cut[1].start], [0, 1, -cut[0].start]])
        picture = on_plain(rgb, matte, settings.background)
        parsing = parsing_in_frame(picture, estimator.analyze_picture(picture, given_pose=pose), matte)
    except NoPersonError:
        return None
    framed = framed_on_plain(picture, matte, pose, settings.background)
    return SourceView(
        SourcePerson(picture, matte, pose, parsing), framed, np.full_like(framed.rgb, settings.background)
    )


def _cut(matte: FloatArray) -> tuple[slice, slice] | None:
    """Return the rows and columns of a canvas around what is covered; None if nothing is."""
    box = box_of_matte(matte)
    if box is None:
        return None
    left, top, right, bottom = (round(edge) for edge in box)
    around = round(_AROUND * max(right - left, bottom - top)) + 1
    rows = slice(max(top - around, 0), min(bottom + around, matte.shape[0]))
    return rows, slice(max(left - around, 0), min(right + around, matte.shape[1]))


def _size(rgb: ByteArray) -> tuple[int, int]:
    return rgb.shape[0], rgb.shape[1]


def _target(photo: CcpPhoto, background: int) -> TargetView:
    return framed_on_plain(photo.rgb, photo.matte, photo.pose, background)


def framed_on_plain(rgb: ByteArray, matte: FloatArray, pose: Pose, background: int) -> TargetView:
    """Cut the canonical crop of a person out of a picture and lay it over plain gray.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : float32 (H, W)
        In [0, 1].
    pose : Pose
        In pixels of `rgb`.
    background : int
        Level, 0..255.

    Returns
    -------
    TargetView
        256x192 (height x width).
    """
    height, width = rgb.shape[:2]
    window: PersonCrop = person_window(person_box(pose.points, box_of_matte(matte), height, width))
    cover = matte_in(matte, window)
    return TargetView(
        on_plain(picture_in(rgb, window), cover, background), cover, pose.transformed(window.frame_to_crop())
    )
