"""RTMPose and DWPose files as an estimator (extra `dwpose`): a top-down ONNX network that classifies x and y (SimCC).

The bundled network finds and follows people and sees parsing and matte; the ONNX network then places the points.
SimCC: Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", 2022; RTMPose:
Jiang et al. 2023; DWPose: Yang et al. 2023.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch

from motionwarp.checkpoints.checkpoint import registry
from motionwarp.errors import MissingExtraError, NoPersonError, WeightsError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.base import Observation
from motionwarp.perception.crops import extract_views, points_to_frame
from motionwarp.perception.framing import CropView, crop_around, upright_turns, visible_box
from motionwarp.perception.inference import person_score
from motionwarp.perception.selection import LARGEST, PersonChoice
from motionwarp.pose import skeleton
from motionwarp.types import ByteArray, FloatArray, Frame, Person, Pose

DEFAULT_WEIGHTS: Final = "dwpose"

# position among the 17 body points of COCO, with which COCO-WholeBody's 133 begin too
_FROM_COCO: Final = {
    skeleton.NOSE: 0, skeleton.LEFT_EYE: 1, skeleton.RIGHT_EYE: 2, skeleton.LEFT_EAR: 3, skeleton.RIGHT_EAR: 4,
    skeleton.LEFT_SHOULDER: 5, skeleton.RIGHT_SHOULDER: 6, skeleton.LEFT_ELBOW: 7, skeleton.RIGHT_ELBOW: 8,
    skeleton.LEFT_WRIST: 9, skeleton.RIGHT_WRIST: 10, skeleton.LEFT_HIP: 11, skeleton.RIGHT_HIP: 12,
    skeleton.LEFT_KNEE: 13, skeleton.RIGHT_KNEE: 14, skeleton.LEFT_ANKLE: 15, skeleton.RIGHT_ANKLE: 16,
}  # fmt: skip
_COCO_POINTS: Final = 17
_MEAN: Final = np.array([123.675, 116.28, 103.53], dtype=np.float32)  # ImageNet's, RGB in 0..255
_DEVIATION: Final = np.array([58.395, 57.12, 57.375], dtype=np.float32)
_BOX_FILL: Final = 0.8  # the networks are trained with a quarter more than the person's box


class OnnxSession(Protocol):
    """The part of onnxruntime's InferenceSession that is used."""

    def get_inputs(self) -> Sequence[Any]:
        """Return the inputs, each with `name` and `shape`."""
        ...

    def run(self, output_names: None, feed: dict[str, FloatArray]) -> Sequence[Any]:
        """Return the outputs of a batch."""
        ...


class SimccPoints:
    """Places the 18 points of people whose boxes are known.

    Parameters
    ----------
    session : OnnxSession
        Input (N, 3, h, w), two outputs (N, K, w * ratio) and (N, K, h * ratio), K at least 17.
    subject : str
        What to call it in errors.

    Raises
    ------
    WeightsError
        If the input has another form.
    """

    def __init__(self, session: OnnxSession, subject: str) -> None:
        self.session, self.subject = session, subject
        inputs = session.get_inputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        if len(shape) != 4 or shape[1] != 3 or not all(isinstance(side, int) and side > 0 for side in shape[2:]):
            raise WeightsError(
                f"is no RTMPose or DWPose network: it takes {[list(each.shape) for each in inputs]}",
                subject=subject,
                remedy="Give an ONNX file with one input (N, 3, h, w) of a fixed h and w",
            )
        self.height, self.width = int(shape[2]), int(shape[3])
        self._input = str(inputs[0].name)
        self._fixed_batch = shape[0] == 1

    def __call__(self, rgb: ByteArray, poses: Sequence[Pose]) -> list[Pose]:
        """Place the points of people who are known roughly.

        Parameters
        ----------
        rgb : uint8 (H, W, 3)
        poses : sequence of Pose
            Where they are; their boxes and directions count.
        """
        if not poses:
            return []
        views = [self._view(pose) for pose in poses]
        pictures = (extract_views(rgb, views).astype(np.float32) - _MEAN) / _DEVIATION
        batch = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))  # (N, 3, h, w)
        parts = [batch[index : index + 1] for index in range(len(batch))] if self._fixed_batch else [batch]
        points = np.concatenate([self._read(part) for part in parts])
        return [Pose(points_to_frame(each, view)) for each, view in zip(points, views, strict=True)]

    def _view(self, pose: Pose) -> CropView:
        turns = upright_turns(pose.points)
        width, height = (self.width, self.height) if turns % 2 == 0 else (self.height, self.width)
        return CropView(crop_around(visible_box(pose.points), fill=_BOX_FILL, width=width, height=height), turns)

    def _read(self, batch: FloatArray) -> FloatArray:
        outputs = self.session.run(None, {self._input: batch})
        shapes = [np.shape(output) for output in outputs]
        if len(outputs) != 2 or any(len(shape) != 3 or shape[1] < _COCO_POINTS for shape in shapes):
            raise WeightsError(
                f"is no RTMPose or DWPose network: it gives {shapes}",
                subject=self.subject,
                remedy="Give an ONNX file with SimCC outputs for x and y of 17 or more points",
            )
        return decode_simcc(np.asarray(outputs[0]), np.asarray(outputs[1]), self.width, self.height)


def decode_simcc(x_logits: FloatArray, y_logits: FloatArray, width: int, height: int) -> FloatArray:
    """Decode coordinate classifications of COCO's points to the 18 points.

    Parameters
    ----------
    x_logits : float32 (N, K, width * ratio)
    y_logits : float32 (N, K, height * ratio)
        K is 17 (COCO) or 133 (COCO-WholeBody); body points come first in both.
    width, height : int
        Size of the network's picture in pixels.

    Returns
    -------
    float32 (N, 18, 3)
        In pixels of the network's picture. A score is the lower one of the two peaks, cut to [0, 1]; the neck is the
        middle of the shoulders, with the lower one of their scores.
    """
    body_x, body_y = x_logits[:, :_COCO_POINTS], y_logits[:, :_COCO_POINTS]
    coco = np.stack(
        [
            body_x.argmax(axis=-1) * (width / x_logits.shape[-1]),
            body_y.argmax(axis=-1) * (height / y_logits.shape[-1]),
            np.clip(np.minimum(body_x.max(axis=-1), body_y.max(axis=-1)), 0, 1),
        ],
        axis=-1,
    )  # (N, 17, 3)
    points = np.zeros((len(coco), 18, 3), dtype=np.float32)
    points[:, list(_FROM_COCO)] = coco[:, list(_FROM_COCO.values())]
    shoulders = points[:, [skeleton.RIGHT_SHOULDER, skeleton.LEFT_SHOULDER]]
    points[:, skeleton.NECK, :2] = shoulders[..., :2].mean(axis=1)
    points[:, skeleton.NECK, 2] = shoulders[..., 2].min(axis=1)
    return points


class DwposeEstimator:
    """Finds and follows with the bundled network, and places points with an ONNX network.

    Parameters
    ----------
    points : SimccPoints
    seer : BuiltinEstimator
    """

    name = "dwpose"

    def __init__(self, points: SimccPoints, seer: BuiltinEstimator) -> None:
        self.points, self.seer = points, seer

    @classmethod
    def load(cls, seer: BuiltinEstimator, device: torch.device, path: Path | None = None) -> DwposeEstimator:
        """Make the estimator from an ONNX file, by default the registered one.

        Raises
        ------
        MissingExtraError
            If onnxruntime is not installed.
        WeightsError
            If the file is missing, not what the registry says, or no such network.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError(
                "onnxruntime is not installed",
                values={"pose_estimator": "dwpose"},
                remedy='Install the extra: pip install "motionwarp[dwpose]"',
            ) from error
        file = registry().verified_path(DEFAULT_WEIGHTS) if path is None else path
        if not file.is_file():
            raise WeightsError("no such file", subject=file, remedy="Give the path of an ONNX file")
        providers = [name for name in _providers(device) if name in onnxruntime.get_available_providers()]
        try:
            session = onnxruntime.InferenceSession(str(file), providers=providers)
        except Exception as error:  # onnxruntime's errors have no class of their own
            raise WeightsError(f"onnxruntime cannot load it ({error})", subject=file) from error
        return cls(SimccPoints(session, str(file)), seer)

    def find_people(self, rgb: ByteArray) -> list[Person]:
        """Return everybody in a picture, the surest first; see `Estimator.find_people`."""
        people = self.seer.find_people(rgb)
        poses = self.points(rgb, [person.pose for person in people])
        return [_with_pose(person, pose) for person, pose in zip(people, poses, strict=True)]

    def analyze_picture(
        self, rgb: ByteArray, choice: PersonChoice = LARGEST, *, given_pose: Pose | None = None
    ) -> Person:
        """Return one person of a picture with parsing and matte; see `Estimator.analyze_picture`."""
        if given_pose is not None:
            return self.seer.describe(rgb, given_pose)
        people = self.find_people(rgb)
        if not people:
            raise NoPersonError(
                "no person was found in the picture",
                remedy="Use a picture that shows one clearly, or give the points yourself",
            )
        chosen = choice.pick(people)
        return _with_pose(self.seer.describe(rgb, chosen.pose), chosen.pose)

    def survey(self, frames: Iterable[Frame]) -> PersonChoice:
        """Choose whom to follow through a clip by a few of its frames; see `survey.survey`."""
        return self.seer.survey(frames)

    def upright_rotation(self, frames: Iterable[Frame]) -> int:
        """Tell by how many degrees clockwise a clip has to be turned; see `rotation.upright_rotation`."""
        return self.seer.upright_rotation(frames)

    def follow(
        self, frames: Iterable[Frame], choice: PersonChoice = LARGEST, *, dense: bool = False
    ) -> Iterator[Observation]:
        """Follow one person through a clip; see `Estimator.follow`."""
        for seen in self.seer.follow(frames, choice, dense=dense):
            if seen.person is None:
                yield seen
                continue
            pose = self.points(seen.frame.rgb, [seen.person.pose])[0]
            yield Observation(seen.frame, _with_pose(seen.person, pose), seen.note)


def _with_pose(person: Person, pose: Pose) -> Person:
    return replace(person, pose=pose, score=person_score(pose.points))


def _providers(device: torch.device) -> tuple[str, ...]:
    return ("CUDAExecutionProvider", "CPUExecutionProvider") if device.type == "cuda" else ("CPUExecutionProvider",)
