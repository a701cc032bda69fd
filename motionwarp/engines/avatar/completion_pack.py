"""Packs that the completion is trained from: avatars from the front, what rules make of their backs, and the truth.

Front and back are seen from opposite sides, from so far away that both have the same outline: the back, mirrored, lies
over the front pixel by pixel.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from motionwarp.avatar.avatar import usable_joints
from motionwarp.avatar.backs import back_views
from motionwarp.avatar.completion import WINDOW_HEIGHT, WINDOW_WIDTH, spread
from motionwarp.avatar.regions import person_regions
from motionwarp.body import joint_names as jn
from motionwarp.body.rasterizer import rasterize
from motionwarp.checkpoints.checkpoint import write_tensors
from motionwarp.data.avatars.packing import load_cast
from motionwarp.data.avatars.poses import draw_frame, drawn_pose
from motionwarp.data.avatars.posing import PosedAvatar, pose_avatar
from motionwarp.data.avatars.rendering import AvatarLayer, OrbitCamera, render_avatar
from motionwarp.data.avatars.rigged import RiggedAvatar
from motionwarp.data.avatars.scenes import Cast, Look, draw_look
from motionwarp.data.avatars.splits import AvatarSplit
from motionwarp.data.pack import open_pack
from motionwarp.data.pack_kinds import PackRequest, WrittenPack
from motionwarp.errors import InputError, NoPersonError, OutputError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.matting import parsing_in_frame
from motionwarp.pose import skeleton as sk
from motionwarp.types import BoolArray, ByteArray, Pose, SourcePerson

FORMAT: Final = "motionwarp-backs-1"
FINER: Final = 2  # pixels of a pack's pictures for one of the network's window
HEIGHT: Final = FINER * WINDOW_HEIGHT
WIDTH: Final = FINER * WINDOW_WIDTH
_STREAMS: Final = ("front", "guess", "truth", "matte", "parsing", "known")
_PICTURES: Final = _STREAMS[:3]
_JPEG_QUALITY: Final = 92
_DISTANCE: Final = 40.0  # meters: nearly an orthographic view
_MARGIN: Final = 0.04
_DRESSED_PEOPLE: Final = 40
_SURE: Final = 0.92
_STREAM_OF_NUMBERS: Final[dict[AvatarSplit, int]] = {"train": 4, "validation": 5}
_ASIDE_DEGREES: Final = 14.0
_PITCH_DEGREES: Final = 3.0
_DRAWN: Final = 0.7  # poses that are drawn: calm ones, as photos show
_CUT: Final = 0.25  # people who are cut by the frame below
_CUT_SHARES: Final = (0.45, 0.75)  # of the height, which the frame shows of them
_THIN: Final = 0.22  # meters, of a shoulder from front to back
_UPRIGHT: Final = 0.9  # cosine of the trunk's lean
_PATIENCE: Final = 200
# which joints belong to which group: what lies in front of what tells front from back
_GROUPS: Final = (
    (jn.HIPS, jn.SPINE, jn.CHEST, jn.UPPER_CHEST, jn.LEFT_COLLAR, jn.RIGHT_COLLAR),
    (jn.NECK, jn.HEAD),
    (jn.LEFT_SHOULDER, jn.LEFT_ELBOW),
    (jn.RIGHT_SHOULDER, jn.RIGHT_ELBOW),
    (jn.LEFT_HIP, jn.LEFT_KNEE),
    (jn.RIGHT_HIP, jn.RIGHT_KNEE),
    (jn.LEFT_ANKLE, jn.LEFT_TOE),
    (jn.RIGHT_ANKLE, jn.RIGHT_TOE),
)


@dataclass(frozen=True, eq=False)
class BackPair:
    """One person from the front and from behind, the latter mirrored.

    Attributes
    ----------
    front, guess, truth : uint8 (H, W, 3)
        The front, what rules make of it, and the back as it is; colors go on beyond the outline.
    matte : uint8 (H, W)
    parsing : uint8 (H, W)
        Of the front, as the analyzer sees it.
    known : uint8 (H, W)
        255 where the truth shows what lies right behind what the front shows: trunk behind trunk, arm behind arm.
    name : str
    """

    front: ByteArray
    guess: ByteArray
    truth: ByteArray
    matte: ByteArray
    parsing: ByteArray
    known: ByteArray
    name: str

    def __post_init__(self) -> None:
        shapes = {self.front.shape[:2], self.guess.shape[:2], self.truth.shape[:2]}
        shapes |= {self.matte.shape, self.parsing.shape, self.known.shape}
        if len(shapes) != 1:
            raise ValueError(f"{self.name}: planes of a pair have the shapes {shapes}")


@dataclass(frozen=True, eq=False)
class _Side:
    """A person from one side: the picture, and the group of every pixel's bone, -1 for nobody."""

    layer: AvatarLayer
    groups: ByteArray


def back_pairs(cast: Cast, split: AvatarSplit, seed: int, estimator: Estimator) -> Iterator[BackPair]:
    """Yield avatars from the front and from behind without end, each a function of the seed and its number.

    Parameters
    ----------
    cast : Cast
        Of the split.
    split : "train" or "validation"
    seed : int
    estimator : Estimator
        Parses the fronts, as it will where photos are completed.

    Raises
    ------
    InputError
        If pair after pair cannot be made.
    """
    number = failed = 0
    while True:
        rng = np.random.default_rng([seed, number, _STREAM_OF_NUMBERS[split]])
        number += 1
        try:
            yield _drawn_pair(cast, rng, estimator)
            failed = 0
        except NoPersonError as error:
            failed += 1
            if failed >= _PATIENCE:
                raise InputError("pair after pair shows nobody", remedy="Check the avatars.") from error


def _drawn_pair(cast: Cast, rng: np.random.Generator, estimator: Estimator) -> BackPair:
    look = draw_look(cast, rng)
    posed, pose_name = _upright(cast, look.avatar, rng)
    cut = float(rng.uniform(*_CUT_SHARES)) if rng.random() < _CUT else 1.0
    camera = _camera(posed, float(rng.normal(0, _ASIDE_DEGREES)), float(rng.normal(0, _PITCH_DEGREES)), cut)
    front = _seen(look, posed, camera)
    back = _seen_from_behind(look, posed, camera)
    last = HEIGHT if cut == 1 else round(HEIGHT * (1 - _MARGIN / (1 + 2 * _MARGIN)))
    matte = front.layer.matte
    matte[last:] = 0
    background = cast.backdrops.draw(rng, HEIGHT, WIDTH)
    rgb = np.rint(front.layer.rgb + background * (1 - front.layer.matte[..., None])).clip(0, 255).astype(np.uint8)
    points = camera.project(posed.points)
    inside = (points[:, :2] >= 0).all(axis=1) & (points[:, 0] < WIDTH) & (points[:, 1] < last)
    pose = Pose(np.column_stack([points[:, :2], inside]).astype(np.float32))
    torso = float(usable_joints(pose.points).torso[0])
    person = SourcePerson(rgb, matte, pose, np.zeros(matte.shape, dtype=np.uint8))
    seen = estimator.analyze_picture(rgb, given_pose=pose)
    person = replace(person, parsing=parsing_in_frame(rgb, seen, matte))
    guess = back_views(person, person_regions(person, torso), torso).rgb
    sure: BoolArray = matte > _SURE
    own = np.maximum(back.layer.matte, np.float32(1e-3))[..., None]
    truth = np.rint(back.layer.rgb / own).clip(0, 255).astype(np.uint8)
    behind: BoolArray = sure & (back.layer.matte > _SURE)
    known = behind & _lie_behind(front, back)
    return BackPair(
        spread(rgb, sure), spread(guess, sure), spread(truth, behind),
        np.rint(matte * 255).astype(np.uint8), person.parsing, 255 * known.astype(np.uint8),
        f"{look.avatar.name}/{pose_name}",
    )  # fmt: skip


def _upright(cast: Cast, avatar: RiggedAvatar, rng: np.random.Generator) -> tuple[PosedAvatar, str]:
    """Draw a pose of somebody who stands upright."""
    for _ in range(_PATIENCE):
        drawn = rng.random() < _DRAWN
        frames, name = drawn_pose(avatar.t_pose, rng) if drawn else draw_frame(cast.takes, rng)
        if drawn and name not in ("standing", "gesturing"):
            continue
        posed = pose_avatar(avatar, frames, float(rng.uniform(0.05, 0.6)))
        trunk = posed.points[sk.NECK] - posed.points[[sk.LEFT_HIP, sk.RIGHT_HIP]].mean(axis=0)
        if trunk[1] > _UPRIGHT * np.linalg.norm(trunk):
            return posed, name
    raise NoPersonError(f"{avatar.name} never stands upright")


def _camera(posed: PosedAvatar, facing: float, pitch: float, cut: float) -> OrbitCamera:
    """Return a camera far away that shows a share of a person's height, from the top, in the whole window."""
    yaw = float(np.rad2deg(np.arctan2(posed.forward[0], posed.forward[2])))
    low, high = posed.vertices.min(axis=0), posed.vertices.max(axis=0)
    x, y, z = (float(value) for value in (low + high) / 2)
    camera = OrbitCamera(yaw - facing, pitch, 0.0, _DISTANCE, (x, y, z), 1.0, 0.0, 0.0)
    plane = camera.project(posed.vertices)[:, :2]
    top, bottom = plane[:, 1].min(), plane[:, 1].max()
    bottom = top + cut * (bottom - top)
    shown = plane[plane[:, 1] <= bottom]
    left, right = shown[:, 0].min(), shown[:, 0].max()
    rows = max(bottom - top, (right - left) * HEIGHT / WIDTH) * (1 + 2 * _MARGIN)
    focal = HEIGHT / rows
    # who is cut ends at the window's lower margin, as in a window around their matte
    middle = bottom - rows / 2 + rows * _MARGIN / (1 + 2 * _MARGIN) if cut < 1 else (top + bottom) / 2
    return replace(
        camera,
        focal=float(focal),
        center_x=float(WIDTH / 2 - 0.5 - focal * (left + right) / 2),
        center_y=float(HEIGHT / 2 - 0.5 - focal * middle),
    )


def _seen(look: Look, posed: PosedAvatar, camera: OrbitCamera) -> _Side:
    layer = render_avatar(look.avatar, posed, camera, look.lamp, look.dyes, HEIGHT, WIDTH)
    fragments = rasterize(camera.project(posed.vertices), look.avatar.faces, HEIGHT, WIDTH)
    of_face = _vertex_groups(look.avatar)[look.avatar.faces[:, 0]]
    groups = np.where(fragments.face >= 0, of_face[np.maximum(fragments.face, 0)], len(_GROUPS))
    return _Side(layer, groups.astype(np.uint8))


def _seen_from_behind(look: Look, posed: PosedAvatar, camera: OrbitCamera) -> _Side:
    """Return a person as the opposite camera sees them, mirrored, in a light that comes from the same side."""
    x, y, z = look.lamp.direction
    opposite = replace(camera, azimuth=camera.azimuth + 180, pitch=-camera.pitch, center_x=WIDTH - 1 - camera.center_x)
    side = _seen(replace(look, lamp=replace(look.lamp, direction=(-x, y, z))), posed, opposite)
    seen = side.layer
    layer = AvatarLayer(
        seen.rgb[:, ::-1].copy(), seen.matte[:, ::-1].copy(), seen.parsing[:, ::-1].copy(), seen.depth[:, ::-1].copy()
    )
    return _Side(layer, side.groups[:, ::-1].copy())


def _lie_behind(front: _Side, back: _Side) -> BoolArray:
    """Return where the back shows what lies right behind what the front shows.

    Below a chin that may be the trunk; trunk and limbs go over into each other, but an arm before the trunk does not
    tell what is behind it. Hair over the trunk is not the trunk's back.
    """
    trunk, head, arms, legs = 0, 1, (2, 3), (4, 5)
    one, other = front.groups, back.groups
    thin = 2 * _DISTANCE - front.layer.depth - back.layer.depth < _THIN
    joined = ((one == trunk) & np.isin(other, legs)) | ((other == trunk) & np.isin(one, (head, *legs)))
    joined |= (((one == trunk) & np.isin(other, arms)) | ((other == trunk) & np.isin(one, arms))) & thin
    return np.asarray(((one == other) | joined) & (one < len(_GROUPS)))


def _vertex_groups(avatar: RiggedAvatar) -> ByteArray:
    """Return the group of the bone that moves each vertex most; hands, and what is none's, are a group of their own."""
    group_of_joint = {joint: number for number, joints in enumerate(_GROUPS) for joint in joints}
    canonical = {int(joint): index for index, joint in enumerate(avatar.canonical) if joint >= 0}
    groups = np.full(len(avatar.joint_names), len(_GROUPS) + 1, dtype=np.uint8)
    for joint in range(len(groups)):
        above = joint
        while above >= 0 and above not in canonical:
            above = int(avatar.joint_parents[above])
        groups[joint] = group_of_joint.get(canonical.get(above, -1), len(_GROUPS) + 1)
    strongest = np.take_along_axis(avatar.joints, avatar.weights.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.asarray(groups[strongest])


class BackPackWriter:
    """Collects pairs and writes them as one file."""

    def __init__(self) -> None:
        self._streams: dict[str, list[bytes]] = {stream: [] for stream in _STREAMS}
        self._names: list[str] = []

    def __len__(self) -> int:
        return len(self._names)

    def add(self, pair: BackPair) -> None:
        """Compress a pair and keep it."""
        for stream in _STREAMS:
            plane: ByteArray = getattr(pair, stream)
            if stream in _PICTURES:
                bgr = np.asarray(cv2.cvtColor(plane, cv2.COLOR_RGB2BGR), dtype=np.uint8)
                done, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
            else:
                done, content = cv2.imencode(".png", plane)
            if not done:
                raise OutputError(f"a picture of {plane.shape} could not be encoded")
            self._streams[stream].append(bytes(content.tobytes()))
        self._names.append(pair.name)

    def write(self, path: Path) -> int:
        """Write the pack, whole or not at all, and return its size in bytes.

        An OutputError if it is empty or cannot be written.
        """
        if not self._names:
            raise OutputError("there is nothing to pack", subject=path, remedy="Check the folder the data comes from.")
        tensors = {}
        for stream, items in self._streams.items():
            tensors[f"{stream}_bytes"] = torch.frombuffer(bytearray(b"".join(items)), dtype=torch.uint8)
            tensors[f"{stream}_ends"] = torch.tensor([len(item) for item in items]).cumsum(0)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, {"format": FORMAT, "names": json.dumps(self._names)})
        return path.stat().st_size


class BackPackReader(Sequence[BackPair]):
    """Reads single pairs of a pack.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If the file is missing, damaged, or no pack of backs.
    """

    def __init__(self, path: Path) -> None:
        self._file, self.names = open_pack(path, form=FORMAT, holds="backs", rows=[], streams=_STREAMS)
        self._bytes = {stream: self._file.get_slice(f"{stream}_bytes") for stream in _STREAMS}
        self._ends = {stream: self._file.get_tensor(f"{stream}_ends") for stream in _STREAMS}

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> BackPair:  # type: ignore[override]
        planes = {stream: self._decode(stream, index) for stream in _STREAMS}
        return BackPair(**planes, name=self.names[index])

    def _decode(self, stream: str, index: int) -> ByteArray:
        ends = self._ends[stream]
        start = int(ends[index - 1]) if index else 0
        content = np.asarray(self._bytes[stream][start : int(ends[index])])
        is_picture = stream in _PICTURES
        plane = (
            cv2.imdecode(content, cv2.IMREAD_COLOR if is_picture else cv2.IMREAD_GRAYSCALE) if len(content) else None
        )
        if plane is None:
            raise InputError(f"the {stream} of sample {index} ({self.names[index]}) is damaged")
        return np.asarray(cv2.cvtColor(plane, cv2.COLOR_BGR2RGB) if is_picture else plane, dtype=np.uint8)


def write_back_pack(pairs: Iterator[BackPair], count: int, path: Path, progress: Callable[[int], None]) -> WrittenPack:
    """Write so many pairs into a pack; `progress` is told how many there are so far."""
    writer = BackPackWriter()
    for pair in islice(pairs, count):
        writer.add(pair)
        progress(len(writer))
    return WrittenPack(len(writer), writer.write(path))


def write_requested(request: PackRequest) -> WrittenPack:
    """Write a pack of the backs of avatars, or of bodies in separate garments; see `SPEC.packs`."""
    options = request.options
    split: AvatarSplit = "validation" if options.split == "validation" else "train"
    cast = load_cast(options.data, split, options.seed, _DRESSED_PEOPLE if request.kind == "backs-dressed" else 0)
    pairs = back_pairs(cast, split, options.seed, BuiltinEstimator.load(torch.device("cpu"), torch.float32))
    return write_back_pack(pairs, options.count, options.output, request.on_progress)
