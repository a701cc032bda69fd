"""Estimators by name or file, the extras they need, and the networks of others brought to the 18 points."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from drawn_people import GREEN, DotReader, Figure, draw

from motionwarp.errors import MissingExtraError, NoPersonError, OptionError, WeightsError
from motionwarp.perception.backends.builtin import BuiltinEstimator
from motionwarp.perception.backends.dwpose import DwposeEstimator, SimccPoints, decode_simcc
from motionwarp.perception.backends.mediapipe import MediapipeEstimator, points_from_landmarks
from motionwarp.perception.backends.pose_file import FileEstimator
from motionwarp.perception.base import Estimator
from motionwarp.perception.registry import make_estimator
from motionwarp.perception.selection import PersonChoice
from motionwarp.pose import skeleton
from motionwarp.types import Frame, Pose

CPU = torch.device("cpu")
COCO = [
    skeleton.NOSE, skeleton.LEFT_EYE, skeleton.RIGHT_EYE, skeleton.LEFT_EAR, skeleton.RIGHT_EAR,
    skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER, skeleton.LEFT_ELBOW, skeleton.RIGHT_ELBOW,
    skeleton.LEFT_WRIST, skeleton.RIGHT_WRIST, skeleton.LEFT_HIP, skeleton.RIGHT_HIP,
    skeleton.LEFT_KNEE, skeleton.RIGHT_KNEE, skeleton.LEFT_ANKLE, skeleton.RIGHT_ANKLE,
]  # fmt: skip


@pytest.fixture
def drawn_builtin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the bundled estimator see drawn people instead of loading its weights."""
    monkeypatch.setattr(BuiltinEstimator, "load", classmethod(lambda cls, *arguments: cls(DotReader())))


@pytest.fixture
def builtin() -> BuiltinEstimator:
    return BuiltinEstimator(DotReader())


def make(name: str) -> Estimator:
    return make_estimator(name, CPU, torch.float32)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"openpose: is neither.*builtin, mediapipe, dwpose"):
        make("openpose")


@pytest.mark.usefixtures("drawn_builtin")
@pytest.mark.parametrize(("name", "module"), [("mediapipe", "mediapipe"), ("dwpose", "onnxruntime")])
def test_an_extra_that_is_not_installed_is_named(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # makes the import fail, installed or not
    with pytest.raises(MissingExtraError, match=rf"motionwarp\[{name}\]"):
        make(name)


@pytest.mark.usefixtures("drawn_builtin")
def test_an_onnx_file_needs_the_extra_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    path = tmp_path / "pose.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(MissingExtraError, match=r"motionwarp\[dwpose\]"):
        make(str(path))


def test_a_mediapipe_without_its_legacy_interface_is_no_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", SimpleNamespace(__version__="9.9"))
    with pytest.raises(MissingExtraError, match=r"9\.9 has no legacy pose solution"):
        make("mediapipe")


def test_a_file_of_poses_is_an_estimator(tmp_path: Path) -> None:
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(Figure(0, 300, 120).points().tolist()))
    estimator = make(str(path))
    assert isinstance(estimator, FileEstimator)
    [person] = estimator.find_people(draw([]))
    np.testing.assert_allclose(person.pose.points, Figure(0, 300, 120).points(), atol=1e-3)


def test_a_damaged_file_of_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(WeightsError, match=r"mine\.safetensors"):
        make(str(path))


def test_the_bundled_one_describes_who_is_chosen(builtin: BuiltinEstimator) -> None:
    small = Figure(1, 520, 140, 44, GREEN)
    rgb = draw([Figure(0, 200, 100, 88), small])
    assert isinstance(builtin, Estimator)
    assert len(builtin.find_people(rgb)) == 2
    person = builtin.analyze_picture(rgb, PersonChoice(index=1))
    assert np.abs(person.pose.xy - small.points()[:, :2]).max() < 2
    assert person.matte is not None
    assert person.parsing is not None
    with pytest.raises(NoPersonError, match="no person was found"):
        builtin.analyze_picture(draw([]))


def test_a_given_pose_is_kept_to_the_bit(builtin: BuiltinEstimator) -> None:
    pose = Pose(Figure(0, 303, 118, 79).points())
    person = builtin.analyze_picture(draw([Figure(0, 300, 120)]), given_pose=pose)
    np.testing.assert_array_equal(person.pose.points, pose.points)
    assert person.matte.max() == 1


def simcc(
    points: np.ndarray, width: int, height: int, ratio: int = 2, count: int = 17
) -> tuple[np.ndarray, np.ndarray]:
    """Return logits whose peaks are at points (18, 3) of a picture, with the score as their height."""
    x = np.full((1, count, width * ratio), -1, dtype=np.float32)
    y = np.full((1, count, height * ratio), -1, dtype=np.float32)
    for number, index in enumerate(COCO):
        x[0, number, np.clip(round(points[index, 0] * ratio), 0, width * ratio - 1)] = points[index, 2]
        y[0, number, np.clip(round(points[index, 1] * ratio), 0, height * ratio - 1)] = points[index, 2]
    return x, y


@pytest.mark.parametrize("count", [17, 133])
def test_simcc_gives_the_points_by_their_names(count: int) -> None:
    points = Figure(0, 96, 60, 50).points()
    points[:, 2] = np.linspace(0.3, 0.9, 18)
    decoded = decode_simcc(*simcc(points, 192, 256, count=count), 192, 256)[0]
    body = [index for index in range(18) if index != skeleton.NECK]
    np.testing.assert_allclose(decoded[body, :2], points[body, :2], atol=0.26)
    np.testing.assert_allclose(decoded[body, 2], points[body, 2], rtol=1e-6)
    shoulders = points[[skeleton.LEFT_SHOULDER, skeleton.RIGHT_SHOULDER]]
    np.testing.assert_allclose(decoded[skeleton.NECK, :2], shoulders[:, :2].mean(axis=0), atol=0.26)
    assert decoded[skeleton.NECK, 2] == pytest.approx(shoulders[:, 2].min())


class DotSession:
    """An ONNX network that reads drawn figures."""

    def __init__(self, shape: tuple[object, ...] = ("N", 3, 256, 192), outputs: int = 2) -> None:
        self.shape, self.outputs = shape, outputs
        self.batches: list[int] = []

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="input", shape=self.shape)]

    def run(self, output_names: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        batch = feed["input"]
        self.batches.append(len(batch))
        means, deviations = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
        pictures = np.rint(batch.transpose(0, 2, 3, 1) * deviations + means).astype(np.uint8)
        read = [simcc(points, 192, 256) for points in DotReader()(pictures, dense=False).points]
        return [np.concatenate(part) for part in zip(*read, strict=True)][: self.outputs]


@pytest.mark.parametrize("batch", ["N", 1])
@pytest.mark.parametrize("degrees", [0, 90, 180])
def test_an_onnx_network_places_the_points(builtin: BuiltinEstimator, batch: object, degrees: int) -> None:
    figure = Figure(0, 320, 180, 60, turned_degrees=degrees)
    session = DotSession((batch, 3, 256, 192))
    estimator = DwposeEstimator(SimccPoints(session, "pose.onnx"), builtin)
    [person] = estimator.find_people(draw([figure]))
    body = [index for index in range(18) if index != skeleton.NECK]
    assert np.abs(person.pose.xy - figure.points()[:, :2])[body].max() < 2
    seen = list(estimator.follow([Frame(draw([figure]), index / 25, index) for index in range(3)], dense=True))
    assert all(each.person is not None and each.person.matte is not None for each in seen)
    if batch == 1:
        assert set(session.batches) == {1}


@pytest.fixture
def onnxruntime(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """Let a stand-in of onnxruntime read files that begin with `onnx`.

    Returns which were loaded, and where they run.
    """
    loaded: list[tuple[str, list[str]]] = []

    def session(file: str, providers: list[str]) -> DotSession:
        if not Path(file).read_bytes().startswith(b"onnx"):
            raise RuntimeError("protobuf parsing failed")
        loaded.append((file, providers))
        return DotSession()

    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    stand_in = SimpleNamespace(InferenceSession=session, get_available_providers=lambda: providers)
    monkeypatch.setitem(sys.modules, "onnxruntime", stand_in)
    return loaded


@pytest.mark.usefixtures("drawn_builtin")
def test_an_onnx_file_is_an_estimator(tmp_path: Path, onnxruntime: list[tuple[str, list[str]]]) -> None:
    path = tmp_path / "pose.onnx"
    path.write_bytes(b"onnx")
    figure = Figure(0, 320, 180, 60)
    person = make(str(path)).analyze_picture(draw([figure]))
    assert np.abs(person.pose.xy - figure.points()[:, :2])[: skeleton.NECK].max() < 2
    assert person.matte is not None
    make_estimator(str(path), torch.device("cuda"), torch.float32)
    assert onnxruntime == [
        (str(path), ["CPUExecutionProvider"]),
        (str(path), ["CUDAExecutionProvider", "CPUExecutionProvider"]),
    ]


@pytest.mark.usefixtures("onnxruntime", "drawn_builtin")
def test_onnx_files_that_are_none_are_refused(tmp_path: Path, builtin: BuiltinEstimator) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        DwposeEstimator.load(builtin, CPU, tmp_path / "none.onnx")
    path = tmp_path / "pose.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(WeightsError, match=r"cannot load it \(protobuf parsing failed\)"):
        make(str(path))


def test_an_onnx_network_in_an_empty_picture_finds_nobody(builtin: BuiltinEstimator) -> None:
    estimator = DwposeEstimator(SimccPoints(DotSession(), "pose.onnx"), builtin)
    with pytest.raises(NoPersonError):
        estimator.analyze_picture(draw([]))
    assert [seen.person for seen in estimator.follow([Frame(draw([]), 0.0, 0)])] == [None]
    given = Pose(Figure(0, 320, 180, 60).points())
    described = estimator.analyze_picture(draw([Figure(0, 320, 180, 60)]), given_pose=given)
    np.testing.assert_array_equal(described.pose.points, given.points)


@pytest.mark.parametrize("shape", [("N", 3, "h", "w"), ("N", 256, 192, 3), (3, 256, 192)])
def test_a_network_with_another_input_is_refused(shape: tuple[object, ...]) -> None:
    with pytest.raises(WeightsError, match=r"pose\.onnx: is no RTMPose"):
        SimccPoints(DotSession(shape), "pose.onnx")


def test_a_network_with_other_outputs_is_refused() -> None:
    points = SimccPoints(DotSession(outputs=1), "pose.onnx")
    with pytest.raises(WeightsError, match="it gives"):
        points(draw([Figure(0, 320, 120)]), [Pose(Figure(0, 320, 120).points())])


def test_mediapipes_landmarks_become_pixels_by_name() -> None:
    landmarks = np.zeros((33, 3), dtype=np.float32)
    landmarks[:, :2] = 0.5
    landmarks[:, 2] = 0.9
    landmarks[0] = 0.25, 0.5, 0.8  # nose
    landmarks[11], landmarks[12] = (0.6, 0.4, 0.7), (0.4, 0.2, 0.5)  # left and right shoulder
    landmarks[28] = 0.5, 1.2, 0.6  # right ankle, guessed below the picture
    points = points_from_landmarks(landmarks, 200, 100)
    np.testing.assert_allclose(points[skeleton.NOSE], [49.5, 49.5, 0.8], atol=1e-4)
    np.testing.assert_allclose(points[skeleton.LEFT_SHOULDER], [119.5, 39.5, 0.7], atol=1e-4)
    np.testing.assert_allclose(points[skeleton.NECK], [99.5, 29.5, 0.5], atol=1e-4)
    assert points[skeleton.RIGHT_ANKLE, 2] == 0
    assert points[skeleton.LEFT_ANKLE, 2] == pytest.approx(0.9)


class DotSolution:
    """MediaPipe's legacy pose solution, reading drawn figures; its mask covers what is not gray."""

    def __init__(self, *, static_image_mode: bool, model_complexity: int, enable_segmentation: bool) -> None:
        self.segmentation = enable_segmentation

    def __enter__(self) -> DotSolution:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def process(self, rgb: np.ndarray) -> SimpleNamespace:
        people = BuiltinEstimator(DotReader()).find_people(rgb)
        if not people:
            return SimpleNamespace(pose_landmarks=None, segmentation_mask=None)
        ours = (0, None, None, 15, None, None, 14, 17, 16, None, None, 5, 2, 6, 3, 7, 4)
        ours += (None,) * 6 + (11, 8, 12, 9, 13, 10)
        marks = [SimpleNamespace(x=0.0, y=0.0, visibility=0.0) for _ in range(33)]
        points = people[0].pose.points
        for number, index in {**dict(enumerate(ours)), 2: 15, 5: 14, 3: None, 6: None}.items():
            if index is not None:
                x, y, score = points[index]
                marks[number] = SimpleNamespace(
                    x=(x + 0.5) / rgb.shape[1], y=(y + 0.5) / rgb.shape[0], visibility=score
                )
        mask = (np.abs(rgb.astype(int) - 90).max(axis=2) > 25).astype(np.float32) if self.segmentation else None
        return SimpleNamespace(pose_landmarks=SimpleNamespace(landmark=marks), segmentation_mask=mask)


@pytest.fixture
def mediapipe(builtin: BuiltinEstimator, monkeypatch: pytest.MonkeyPatch) -> MediapipeEstimator:
    solutions = SimpleNamespace(pose=SimpleNamespace(Pose=DotSolution))
    monkeypatch.setitem(sys.modules, "mediapipe", SimpleNamespace(solutions=solutions))
    return MediapipeEstimator(lambda: builtin)


def test_mediapipe_follows_and_its_mask_lies_over_the_crop(mediapipe: MediapipeEstimator) -> None:
    figures = [Figure(0, 300 + 5 * index, 120, 70) for index in range(3)]
    frames = [Frame(draw([figure]), index / 25, index) for index, figure in enumerate(figures)]
    frames.append(Frame(draw([]), 3 / 25, 3))
    seen = list(mediapipe.follow(frames, dense=True))
    assert seen[3].person is None
    for observation, figure in zip(seen[:3], figures, strict=True):
        person = observation.person
        assert np.abs(person.pose.xy - figure.points()[:, :2]).max() < 2
        assert person.matte.shape[0] / person.matte.shape[1] == person.crop.height / person.crop.width
        inside = person.pose.transformed(person.crop.frame_to_crop()).xy[[2, 5, 8, 11]].round().astype(int)
        assert (person.matte[inside[:, 1], inside[:, 0]] > 0.5).all()
        assert person.matte[2, 2] == 0


def test_mediapipe_sees_one_person_only(mediapipe: MediapipeEstimator) -> None:
    with pytest.raises(OptionError, match="one person only"):
        mediapipe.analyze_picture(draw([Figure(0, 300, 120)]), PersonChoice(index=1))
    with pytest.raises(NoPersonError, match="MediaPipe found no person"):
        mediapipe.analyze_picture(draw([]))
