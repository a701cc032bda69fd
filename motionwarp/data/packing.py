"""What goes into packs: real photos, frames of real clips, re-posed photos and synthetic people, all at one size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from motionwarp.data.ccp import CcpPhoto, photo_names, read_gray, read_photos
from motionwarp.data.pack import LabeledPicture, PackWriter, union_box
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.data.reposed import reposed_samples
from motionwarp.data.splits import HELD_OUT_FROM, TRAINING_CLIPS_OF_TIER, Tier
from motionwarp.data.synthetic import sample_view
from motionwarp.errors import OptionError
from motionwarp.media.reader import open_video
from motionwarp.parsing.labels import BACKGROUND, IGNORE
from motionwarp.types import ByteArray, FloatArray

# what the matte says surely is no person needs no label to be background
_SURE_BACKGROUND = 12
# MediaPipe's numbers of the person's left and right
_WORLD_SHOULDERS: Final = (11, 12)
_WORLD_HIPS: Final = (23, 24)
_LEAST_BREADTH: Final = 0.03  # meters; below, the line between the sides has no direction
_AGREEMENT: Final = 0.87  # length of the mean of two unit vectors 60 degrees apart


@dataclass(frozen=True)
class PackSettings:
    """Size of the pictures in a pack.

    Attributes
    ----------
    height : int
        Height of every picture, in pixels; the width follows.
    margin : float
        What is kept around the person of a clip's frame, as a fraction of the person's height.
    frame_rate : float
        Frames a second that are taken of a clip, at most: neighbors hardly differ.
    """

    height: int = 320
    margin: float = 0.22
    frame_rate: float = 12.5


def photo_samples(ccp_folder: Path, settings: PackSettings) -> Iterator[LabeledPicture]:
    """Yield CCP's training photos, whole, at the pack's height.

    With the direction of the teacher's world points where they are there.
    """
    world = _world_points(ccp_folder / "world33.json")
    for photo in read_photos(ccp_folder, photo_names(ccp_folder, "train")):
        yield replace(labeled_photo(photo, settings.height), facing=facing_of_world(world.get(photo.name)))


def labeled_photo(photo: CcpPhoto, height: int) -> LabeledPicture:
    """Scale a photo and its labels to a height in pixels."""
    scale = height / photo.rgb.shape[0]
    width = max(round(photo.rgb.shape[1] * scale), 1)
    matte = np.round(photo.matte * 255).astype(np.uint8)
    return _resized(photo.rgb, matte, photo.parsing, photo.pose.points, width, height, f"ccp/{photo.name}")


def clip_samples(video_folder: Path, settings: PackSettings, tier: Tier = "first") -> Iterator[LabeledPicture]:
    """Yield frames of the training clips of one tier, cut around the person."""
    for clip in TRAINING_CLIPS_OF_TIER[tier]:
        yield from frames_of_clip(video_folder, clip, settings)


def _matte_spacing(folder: Path) -> int:
    """Return how many frames there are from one matte of a clip to the next."""
    numbers = sorted(int(file.stem) for file in folder.glob("*.png"))
    return min((after - before for before, after in pairwise(numbers)), default=1)


def facing_of_world(points: object) -> tuple[float, float] | None:
    """Return the direction of a person by their shoulders and hips in space.

    Parameters
    ----------
    points : 33 x [x, y, z, visibility] or None
        MediaPipe's world points: x right and y down in the picture, z away from the camera.

    Returns
    -------
    (cosine, sine) or None
        As `LabeledPicture.facing`; None where shoulders and hips disagree by more than 60 degrees, or nothing is known.
    """
    if points is None:
        return None
    world = np.asarray(points, dtype=np.float64)
    directions = []
    for left, right in (_WORLD_SHOULDERS, _WORLD_HIPS):
        across = world[left, [0, 2]] - world[right, [0, 2]]
        length = float(np.hypot(*across))
        if length < _LEAST_BREADTH:
            return None
        # turned by a quarter from the line between the sides: (x, z) of the front is (z, -x) of that line
        directions.append(np.array([across[0], across[1]]) / length)
    mean = np.mean(directions, axis=0)
    length = float(np.hypot(*mean))
    if length < _AGREEMENT:
        return None
    return float(mean[0] / length), float(mean[1] / length)


def _world_points(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def frames_of_clip(video_folder: Path, clip: str, settings: PackSettings) -> Iterator[LabeledPicture]:
    """Yield frames of one clip that have points, `frame_rate` a second at most, cut around the person."""
    track = json.loads((video_folder / f"{clip}.keypoints18.json").read_text(encoding="utf-8"))["frames"]
    world = _world_points(video_folder / f"{clip}.world33.json").get("frames", [None] * len(track))
    end = HELD_OUT_FROM.get(clip, len(track))
    with open_video(video_folder / f"{clip}.mp4") as reader:
        step = max(round(float(reader.info.frame_rate) / settings.frame_rate), 1)
        # of some clips every third frame has a matte
        spacing = _matte_spacing(video_folder / f"{clip}.mattes")
        step = -(-step // spacing) * spacing
        for frame in reader:
            if frame.index >= end:
                break
            matte_file = video_folder / f"{clip}.mattes" / f"{frame.index:05d}.png"
            if frame.index % step or track[frame.index] is None:
                continue
            mask = read_gray(matte_file)
            matte = cv2.resize(mask, frame.rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            points = np.array(track[frame.index], dtype=np.float32)
            cut = cut_around(
                frame.rgb, np.asarray(matte, dtype=np.uint8), None, points, settings, f"{clip}/{frame.index:05d}"
            )
            yield replace(cut, facing=facing_of_world(world[frame.index]))


def cut_around(
    rgb: ByteArray, matte: ByteArray, parsing: ByteArray | None, points: FloatArray, settings: PackSettings, name: str
) -> LabeledPicture:
    """Cut a person out of a frame, with some of what is around, at the pack's height; whole where nobody is to be seen.

    Parameters
    ----------
    rgb : uint8 (H, W, 3)
    matte : uint8 (H, W)
    parsing : uint8 (H, W) or None
        None where it is not known.
    points : float32 (18, 3)
    settings : PackSettings
    name : str
    """
    box = union_box(matte, points)
    if box is None:
        return _resized(
            rgb, matte, parsing, points, round(settings.height * rgb.shape[1] / rgb.shape[0]), settings.height, name
        )
    left, top, right, bottom = box
    margin = settings.margin * (bottom - top)
    column, row = max(int(left - margin), 0), max(int(top - margin), 0)
    window = np.s_[row : int(bottom + margin) + 1, column : int(right + margin) + 1]
    moved = points.copy()
    moved[:, :2] -= (column, row)
    height, width = rgb[window].shape[:2]
    classes = None if parsing is None else parsing[window]
    return _resized(
        rgb[window], matte[window], classes, moved, round(settings.height * width / height), settings.height, name
    )


def _resized(
    rgb: ByteArray, matte: ByteArray, parsing: ByteArray | None, points: FloatArray, width: int, height: int, name: str
) -> LabeledPicture:
    size = (width, height)
    scale = np.array([width / rgb.shape[1], height / rgb.shape[0]], dtype=np.float32)
    moved = points.copy()
    moved[:, :2] = (points[:, :2] + 0.5) * scale - 0.5
    small_matte = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if parsing is None:
        small_parsing = np.full((height, width), IGNORE, dtype=np.uint8)
        small_parsing[small_matte < _SURE_BACKGROUND] = BACKGROUND
    else:
        small_parsing = np.asarray(cv2.resize(parsing, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    small = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return LabeledPicture(small, small_matte, small_parsing, moved, name)


def synthetic_samples(height: int, count: int, seed: int) -> Iterator[LabeledPicture]:
    """Yield drawn people, with exact labels.

    Parameters
    ----------
    height : int
        Height of the pictures, in pixels; they are three quarters as wide.
    count, seed : int
    """
    for number in range(count):
        view = sample_view(np.random.default_rng([seed, number]), height, height * 3 // 4)
        matte = np.rint(view.matte * 255).astype(np.uint8)
        yield LabeledPicture(view.rgb, matte, view.parsing, view.pose.points, f"synthetic/{seed}/{number}")


def samples_of_kind(kind: str, data_folder: Path, *, count: int, seed: int) -> Iterator[LabeledPicture]:
    """Yield the labeled pictures of one kind of pack.

    Parameters
    ----------
    kind : str
        'photos', 'clips' (of the first turn), 'clips-a' and 'clips-b' (later ones by tier), 'reposed' or 'synthetic'.
    data_folder : Path
        With `ccp` and `video`; not read for 'synthetic'.
    count, seed : int
        For 'reposed' and 'synthetic'.
    """
    settings = PackSettings()
    if kind == "photos":
        yield from photo_samples(data_folder / "ccp", settings)
    elif kind == "clips":
        yield from clip_samples(data_folder / "video", settings)
    elif kind == "clips-a":
        yield from clip_samples(data_folder / "video", settings, "A")
    elif kind == "clips-b":
        yield from clip_samples(data_folder / "video", settings, "B")
    elif kind == "reposed":
        yield from reposed_samples(data_folder, settings.height, count, seed)
    elif kind == "synthetic":
        yield from synthetic_samples(settings.height, count, seed)
    else:
        raise OptionError(
            f"there is no kind of pack '{kind}'", remedy="Give photos, clips, clips-a, clips-b, reposed or synthetic."
        )


def write_pack(samples: Iterable[LabeledPicture], path: Path, progress: Callable[[int], None]) -> WrittenPack:
    """Write samples into a pack; `progress` is told how many there are so far."""
    writer = PackWriter()
    for sample in samples:
        writer.add(sample)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of pictures for the analyzer; see `pack_kinds.ANALYZER_PACKS`."""
    options = request.options
    samples = samples_of_kind(request.kind, options.data, count=options.count, seed=options.seed)
    return write_pack(samples, options.output, request.on_progress)
