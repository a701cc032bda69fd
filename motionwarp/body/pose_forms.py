"""A person's poses in files, with the third dimension: JSON, OpenPose's and COCO's forms, BVH, and NumPy's archive."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from motionwarp.body.body_track import BodyTrack
from motionwarp.body.bvh import write_bvh
from motionwarp.body.layout import DRIVEN_BONES
from motionwarp.body.model import BodyModel, BodyShape
from motionwarp.body.motion_clip import MotionClip, Skeleton
from motionwarp.body.rig import DRIVEN_PARENTS, local_turns
from motionwarp.errors import OptionError
from motionwarp.media.atomic import PendingFile, check_target, write_failure, write_text_whole
from motionwarp.pose.formats.pose_file import write_track
from motionwarp.pose.formats.written_forms import COCO_CATEGORY, coco_annotation, openpose_frame
from motionwarp.types import FloatArray, PoseTrack

PoseForm = Literal["json", "openpose", "coco", "bvh", "npz"]

ENDINGS: Final[dict[PoseForm, str]] = {
    "json": ".keypoints18.json",
    "openpose": ".openpose",
    "coco": ".coco.json",
    "bvh": ".bvh",
    "npz": ".npz",
}
"""What files are called after their input; OpenPose's form is a folder of files, one a frame."""
NEEDS_BODY: Final = ("bvh",)

_CENTIMETERS: Final = 100.0
_FLIP: Final = np.diag([1.0, -1.0, -1.0]).astype(np.float32)  # y down and facing -z, to y up and facing +z
# names that other programs know, as Mixamo's skeletons have them
_NAMES: Final = {
    "root": "Hips", "spine04": "Spine", "spine02": "Spine1", "spine01": "Spine2", "neck02": "Neck", "head": "Head",
    "clavicle": "Shoulder", "upperarm01": "Arm", "lowerarm01": "ForeArm", "wrist": "Hand",
    "upperleg01": "UpLeg", "lowerleg01": "Leg", "foot": "Foot",
}  # fmt: skip
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class ReadPoses:
    """What was read of one clip or picture.

    Attributes
    ----------
    file_name : str
        The clip or picture.
    fps : float
        Nominal frames a second.
    track : PoseTrack
    body : BodyTrack or None
        Of the same frames; None where only points are wanted.
    model : BodyModel or None
        The body's model, where there is a body.
    """

    file_name: str
    fps: float
    track: PoseTrack
    body: BodyTrack | None = None
    model: BodyModel | None = None

    def __post_init__(self) -> None:
        if self.body is not None and (self.model is None or len(self.body) != len(self.track)):
            raise ValueError("poses with a body need its model, and as many bodies as frames")


def write_poses(path: Path, form: PoseForm, poses: ReadPoses, *, overwrite: bool = False) -> None:
    """Write poses in one form, whole or not at all (OpenPose's: file by file).

    Parameters
    ----------
    path : Path
        For OpenPose's form a folder, which may be there.
    form : str
    poses : ReadPoses
    overwrite : bool
        Replace what is there.

    Raises
    ------
    OptionError
        If the form has rotations, and there is no body to take them from.
    OutputError
        If something is there without `overwrite`, or it cannot be written.
    """
    if form in NEEDS_BODY and (poses.body is None or not poses.body.present.any()):
        raise OptionError(
            "holds rotations, and no frame shows enough of a person for a body",
            subject=path,
            remedy="Use a form of points, such as json.",
        )
    if form == "json":
        more = {} if poses.body is None else {"body": body_as_json(poses.body)}
        write_track(path, poses.track, file_name=poses.file_name, fps=poses.fps, overwrite=overwrite, more=more)
    elif form == "openpose":
        _write_openpose(path, poses, overwrite=overwrite)
    elif form == "coco":
        write_text_whole(path, json.dumps(_coco(poses), separators=(",", ":")) + "\n", overwrite=overwrite)
    elif form == "bvh":
        assert poses.body is not None
        assert poses.model is not None
        write_bvh(path, motion_clip(poses.body, poses.model, poses.fps), overwrite=overwrite)
    else:
        write_npz(path, _arrays(poses), overwrite=overwrite)


def body_as_json(body: BodyTrack) -> dict[str, Any]:
    """Return a body as JSON holds it; frames without one are null."""

    def frames(values: FloatArray, digits: int) -> list[Any]:
        rounded = values.astype(np.float64).round(digits).tolist()
        return [entry if here else None for entry, here in zip(rounded, body.present, strict=True)]

    return {
        "bones": list(DRIVEN_BONES),
        "parents": list(DRIVEN_PARENTS),
        "shape": body.coefficients.astype(np.float64).round(4).tolist(),
        "joints": frames(body.joints, 4),
        "rotations": frames(body.rotations, 5),
        "camera": frames(body.camera, 3),
        "facing": frames(np.stack([body.facing.degrees, body.facing.certainty], axis=1), 3),
    }


def _write_openpose(folder: Path, poses: ReadPoses, *, overwrite: bool) -> None:
    track, stem = poses.track, Path(poses.file_name).stem
    folder.mkdir(exist_ok=True)
    names = [folder / f"{stem}_{index:012d}_keypoints.json" for index in range(len(track))]
    for name in names:
        check_target(name, overwrite=overwrite)
    for index, name in enumerate(names):
        points = track.points[index] if track.present[index] else None
        joints = None if poses.body is None or not poses.body.present[index] else poses.body.joints[index]
        frame = openpose_frame(points, track.width, track.height, joints)
        write_text_whole(name, json.dumps(frame) + "\n", overwrite=overwrite)


def _coco(poses: ReadPoses) -> dict[str, Any]:
    track = poses.track
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for index in range(len(track)):
        images.append(
            {
                "id": index + 1, "file_name": poses.file_name, "frame_index": index, "width": track.width,
                "height": track.height,
            }
        )  # fmt: skip
        if track.present[index]:
            joints = None if poses.body is None or not poses.body.present[index] else poses.body.joints[index]
            entry = coco_annotation(track.points[index], track.width, track.height, joints)
            annotations.append({"id": len(annotations) + 1, "image_id": index + 1, **entry})
    return {
        "info": {"description": f"Points of {poses.file_name} by motionwarp"}, "licenses": [],
        "categories": [COCO_CATEGORY], "images": images, "annotations": annotations,
    }  # fmt: skip


def _arrays(poses: ReadPoses) -> dict[str, np.ndarray[Any, Any]]:
    track = poses.track
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "points": track.points,
        "present": track.present,
        "times_seconds": track.times_seconds,
        "size": np.array([track.width, track.height], dtype=np.int64),
        "fps": np.array(poses.fps, dtype=np.float64),
    }
    return arrays if poses.body is None else {**arrays, **body_arrays(poses.body)}


def body_arrays(body: BodyTrack) -> dict[str, np.ndarray[Any, Any]]:
    """Return a body as named arrays: what `.npz` files of poses and of data sets hold of it."""
    return {
        "body_present": body.present,
        "joints": body.joints,
        "rotations": body.rotations,
        "camera": body.camera,
        "facing_degrees": body.facing.degrees,
        "facing_certainty": body.facing.certainty,
        "shape": body.coefficients,
        "bones": np.array(DRIVEN_BONES),
        "bone_parents": np.array(DRIVEN_PARENTS, dtype=np.int64),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray[Any, Any]], *, overwrite: bool = False) -> None:
    """Write arrays as NumPy's archive, without pickles, whole or not at all; the same arrays give the same bytes.

    Raises
    ------
    OutputError
        If the file is there without `overwrite`, or writing fails.
    """
    with PendingFile(path, overwrite=overwrite) as pending:
        try:
            with zipfile.ZipFile(pending.path, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, array in arrays.items():
                    # without a time of its own
                    entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    with archive.open(entry, "w") as stream:
                        np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
        except OSError as error:
            raise write_failure(error, path) from error
        pending.commit()


def motion_clip(body: BodyTrack, model: BodyModel, fps: float) -> MotionClip:
    """Return a body's motion as motion capture: centimeters, y up, facing +z, with Mixamo's names.

    Parameters
    ----------
    body : BodyTrack
        With a body in at least one frame; frames without one keep the nearest one's pose.
    model : BodyModel
    fps : float

    Returns
    -------
    MotionClip
        At rest the arms are lowered by 45 degrees. The place of the hips is that of the picture, in meters of the body,
        the first frame's at the rest pose's height; depth is not known and stays 0.
    """
    shape = model.shape_of(torch.from_numpy(body.coefficients))
    nearest = _nearest(np.flatnonzero(body.present), len(body))
    turns = local_turns(body.turns())[torch.from_numpy(nearest)]
    camera = body.camera[nearest]
    way = (camera[:, 1:] - camera[:1, 1:]) / camera[:, :1]
    return rest_clip(model, shape, turns, np.stack([way[:, 0], way[:, 1], np.zeros(len(way))], axis=1), fps)


def rest_clip(model: BodyModel, shape: BodyShape, turns: Tensor, way: npt.NDArray[Any], fps: float) -> MotionClip:
    """Return a body's turns as motion capture; see `motion_clip`.

    Parameters
    ----------
    model : BodyModel
    shape : BodyShape
        Of one person.
    turns : float tensor (T, D, 3, 3)
        Of the driven bones against those above.
    way : float (T, 3)
        Of the hips from where they are at rest, in meters, y down and z away from who looks.
    fps : float
    """
    joints = model.pose(shape, torch.eye(3).expand(len(model.bones), 3, 3)).joints.numpy() @ _FLIP * _CENTIMETERS
    driven = joints[list(model.driven)]
    offsets = driven - driven[[max(parent, 0) for parent in DRIVEN_PARENTS]]
    root = way @ _FLIP * _CENTIMETERS
    low = float(joints[:, 1].min())
    root[:, 1] -= low - float(driven[0, 1])
    tips = tuple(
        (DRIVEN_BONES.index(bone), tuple(float(value) for value in _tip(model, joints, bone)))
        for bone in ("head", "wrist.R", "wrist.L", "foot.R", "foot.L")
    )
    skeleton = Skeleton(tuple(_name(bone) for bone in DRIVEN_BONES), DRIVEN_PARENTS, offsets, tips)  # type: ignore[arg-type]
    return MotionClip(skeleton, _FLIP @ turns.numpy() @ _FLIP, root.astype(np.float32), fps)


def _nearest(present: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return for every frame the nearest one of those that are present."""
    at = np.arange(count)
    after = np.clip(np.searchsorted(present, at), 0, len(present) - 1)
    before = np.clip(after - 1, 0, None)
    nearer = np.abs(present[after] - at) < np.abs(present[before] - at)
    return np.asarray(np.where(nearer, present[after], present[before]), dtype=np.int64)


def _name(bone: str) -> str:
    stem, _, side = bone.partition(".")
    return {"L": "Left", "R": "Right"}.get(side, "") + _NAMES[stem]


def _tip(model: BodyModel, joints: FloatArray, bone: str) -> FloatArray:
    """Return where a bone without a further one ends, from its joint: the farthest of the joints that go with it."""
    own = model.bones.index(bone)
    below = {own}
    for number, parent in enumerate(model.parents):
        if parent in below:
            below.add(number)
    ways = joints[sorted(below)] - joints[own]
    return np.asarray(ways[np.linalg.norm(ways, axis=1).argmax()], dtype=np.float32)
