from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from motionwarp.data import pairs
from motionwarp.data.ccp import CcpPhoto
from motionwarp.data.pack import LabeledPicture
from motionwarp.data.pairs import PersonPair, reverse_pair, synthetic_pairs, with_parsing
from motionwarp.data.person_window import FILL
from motionwarp.data.synthetic import BodyPose, Camera, body_points, frame_body, place, render, sample_person
from motionwarp.parsing import labels
from motionwarp.pose import skeleton as sk
from motionwarp.types import ByteArray, FloatArray, Person, PersonCrop, Pose

HEIGHT, WIDTH = 400, 300
HIPS, KNEES, ANKLES = ([sk.RIGHT_HIP, sk.LEFT_HIP], [sk.RIGHT_KNEE, sk.LEFT_KNEE], [sk.RIGHT_ANKLE, sk.LEFT_ANKLE])


@pytest.fixture(scope="module")
def standing() -> LabeledPicture:
    """A person who stands upright, whole, over gray."""
    person = sample_person(np.random.default_rng(3))
    pose = BodyPose(right_arm=(35, 0, 0, 10), left_arm=(35, 0, 0, 10))
    points = body_points(place(person.proportions, pose))
    camera = frame_body(
        points, Camera(4.0, 0.2, 0.0, 1.0, 0.0, 0.0), HEIGHT, WIDTH, share=0.85, middle_x=0.5, middle_y=0.5
    )
    view = render(person, pose, camera, np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8), HEIGHT, WIDTH)
    return LabeledPicture(
        view.rgb, np.rint(view.matte * 255).astype(np.uint8), view.parsing, view.pose.points, "standing"
    )


def map_between(before: FloatArray, after: FloatArray) -> FloatArray:
    """The affine map (2, 3) that takes one set of points to another, by least squares."""
    ones = np.column_stack([before[:, :2], np.ones(len(before))])
    solution, residuals, _, _ = np.linalg.lstsq(ones, after[:, :2].astype(np.float64), rcond=None)
    assert (residuals < 1e-4).all()
    return np.asarray(solution.T, dtype=np.float32)


def gradient(matrix: FloatArray, height: int, width: int) -> FloatArray:
    """A picture whose red grows along the mapped x, green along y, as float32 (height, width, 2) in 0..255."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    mapped = np.stack([x, y], axis=-1) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped * (255 / WIDTH, 255 / HEIGHT), dtype=np.float32)


def paired(source: LabeledPicture, target: LabeledPicture, seed: int) -> PersonPair | None:
    return pairs.paired(source, target, np.random.default_rng(seed))


def seed_of_lot(low: float, high: float, at_knees: bool) -> int:
    """The first seed whose pair is cut the way that is asked for."""
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        if low <= rng.random() < high and (rng.random() < 0.35) == at_knees:
            return seed
    raise AssertionError("no such seed")


def test_pairs_of_drawn_people_are_whole(drawn_pairs: list[PersonPair]) -> None:
    for pair in drawn_pairs:
        assert (pair.rgb.shape, pair.rgb.dtype) == ((256, 192, 3), np.uint8)
        assert (pair.matte.shape, pair.matte.dtype) == ((256, 192), np.float32)
        assert (pair.parsing.shape, pair.parsing.dtype) == ((256, 192), np.uint8)
        assert (pair.inside.shape, pair.inside.dtype) == ((256, 192), np.bool_)
        assert 0 <= pair.matte.min() <= pair.matte.max() <= 1
        assert pair.source.parsing.max() < labels.CLASS_COUNT
        assert set(np.unique(pair.parsing)) <= set(range(labels.CLASS_COUNT))
        # what is worn has coverage, and beyond the picture is nobody
        assert (pair.matte[pair.parsing > 0] > 0.4).mean() > 0.97
        assert (pair.parsing[pair.matte > 0.99] > 0).mean() > 0.9  # a bag has no class
        assert pair.matte[~pair.inside].max(initial=0) == 0
    assert len({pair.name for pair in drawn_pairs}) == len(drawn_pairs)


def test_seen_points_fall_on_the_person(drawn_pairs: list[PersonPair]) -> None:
    for pair in drawn_pairs:
        near = cv2.dilate(pair.matte, np.ones((5, 5), np.uint8))
        seen = pair.pose.points[pair.pose.scores > 0.9, :2]
        columns, rows = np.rint(seen).astype(int).T
        assert len(seen) >= 6
        assert (near[rows.clip(0, 255), columns.clip(0, 191)] > 0.5).mean() > 0.9
        source = pair.source
        columns, rows = np.rint(source.pose.points[source.pose.scores > 0.9, :2]).astype(int).T
        assert (cv2.dilate(source.matte, np.ones((5, 5), np.uint8))[rows, columns] > 0.5).mean() > 0.9


def test_the_person_fills_the_window(drawn_pairs: list[PersonPair]) -> None:
    for pair in drawn_pairs:
        rows, columns = np.nonzero(pair.matte > 0.5)
        assert max((np.ptp(rows) + 1) / 256, (np.ptp(columns) + 1) / 192) < 1.1 * FILL
        assert max((np.ptp(rows) + 1) / 256, (np.ptp(columns) + 1) / 192) > 0.6 * FILL


def test_a_seed_gives_the_same_pairs(drawn_pairs: list[PersonPair]) -> None:
    again = next(synthetic_pairs(0))
    np.testing.assert_array_equal(again.rgb, drawn_pairs[0].rgb)
    np.testing.assert_array_equal(again.pose.points, drawn_pairs[0].pose.points)
    np.testing.assert_array_equal(again.source.rgb, drawn_pairs[0].source.rgb)
    other = next(synthetic_pairs(1))
    assert other.rgb.shape != drawn_pairs[0].rgb.shape or (other.rgb != drawn_pairs[0].rgb).any()


@pytest.mark.parametrize("size", [0.4, 1.0, 2.3])
def test_pixels_and_points_go_to_the_window_by_one_map(standing: LabeledPicture, size: float) -> None:
    """Whether the target is enlarged or (through a mean over areas) reduced."""
    height, width = round(HEIGHT * size), round(WIDTH * size)
    scale = np.array([[width / WIDTH, 0, width / WIDTH / 2 - 0.5], [0, height / HEIGHT, height / HEIGHT / 2 - 0.5]])
    resized = [
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_NEAREST)
        for plane in (standing.matte, standing.parsing)
    ]
    points = Pose(standing.points).transformed(scale).points
    rgb = np.zeros((height, width, 3), dtype=np.uint8)
    back = np.array([[WIDTH / width, 0, WIDTH / width / 2 - 0.5], [0, HEIGHT / height, HEIGHT / height / 2 - 0.5]])
    rgb[..., :2] = np.rint(gradient(back.astype(np.float32), height, width)).clip(0, 255)
    target = LabeledPicture(rgb, *(np.asarray(plane, dtype=np.uint8) for plane in resized), points, "gradient")
    pair = pairs.paired(standing, target, np.random.default_rng(0), cut=False)
    assert pair is not None
    matrix = map_between(pair.pose.points, standing.points)
    assert matrix[0, 0] == pytest.approx(matrix[1, 1], rel=0.02)
    wanted = gradient(matrix, 256, 192)
    whole = cv2.erode(pair.inside.astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=0) > 0
    assert whole.mean() > 0.5
    assert np.abs(pair.rgb[..., :2] - wanted)[whole].max() < 1.6
    # the picture ends where the map says
    mapped = wanted / (255 / WIDTH, 255 / HEIGHT)
    on_picture = ((mapped > -0.5) & (mapped < (WIDTH - 0.5, HEIGHT - 0.5))).all(axis=-1)
    assert (on_picture != pair.inside).mean() < 0.02


@pytest.mark.parametrize(("at_knees", "upper", "lower"), [(False, HIPS, KNEES), (True, KNEES, ANKLES)])
@pytest.mark.parametrize("both", [False, True])
def test_cut_pairs_end_at_the_waist_or_the_knees(
    standing: LabeledPicture, at_knees: bool, upper: list[int], lower: list[int], both: bool
) -> None:
    low, high = (0.0, pairs._CUT_BOTH) if both else (pairs._CUT_BOTH, pairs._CUT_BOTH + pairs._CUT_TARGET)
    pair = paired(standing, standing, seed_of_lot(low, high, at_knees))
    assert pair is not None
    kept = pair.pose.scores > 0
    matrix = map_between(standing.points[kept], pair.pose.points[kept])
    start, end = (matrix[1, 1] * standing.points[points, 1].mean() + matrix[1, 2] for points in (upper, lower))
    last = np.flatnonzero(pair.inside.any(axis=1))[-1]
    assert start + 0.05 * (end - start) - 2 < last < start + 0.4 * (end - start) + 2
    assert pair.matte[last + 2 :].max(initial=0) == 0
    # what is below is not known of; all the rest is as it was
    placed = standing.points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    below = placed[:, 1] > last + 1
    assert below[lower].all()
    assert (pair.pose.scores[below] == 0).all()
    np.testing.assert_array_equal(kept[placed[:, 1] < last - 1], (standing.points[:, 2] > 0)[placed[:, 1] < last - 1])
    assert (pair.source.rgb.shape[0] < HEIGHT) == both
    assert (pair.source.pose.scores[lower].max() == 0) == both
    # what is left fills the window
    rows, columns = np.nonzero(pair.matte > 0.5)
    assert max(np.ptp(rows) / 256, np.ptp(columns) / 192) > 0.6


def test_whole_pairs_are_most_and_keep_everything(standing: LabeledPicture) -> None:
    made = [paired(standing, standing, seed) for seed in range(150)]
    cut = [pair is not None and bool((pair.pose.scores[ANKLES] == 0).any()) for pair in made]
    share = pairs._CUT_BOTH + pairs._CUT_TARGET
    assert abs(np.mean(cut) - share) < 3 * np.sqrt(share * (1 - share) / len(made))
    never = [pairs.paired(standing, standing, np.random.default_rng(seed), cut=False) for seed in range(20)]
    assert all(pair is not None and (pair.pose.scores > 0).all() for pair in never)


def test_people_of_whom_too_little_is_seen_make_no_pair(standing: LabeledPicture) -> None:
    points = standing.points.copy()
    points[sk.NECK, 2] = 0.1
    assert paired(replace(standing, points=points), standing, 0) is None
    points = standing.points.copy()
    points[5:, 2] = 0
    points[0, 2] = 0
    assert paired(standing, replace(standing, points=points), 0) is None
    assert paired(standing, replace(standing, matte=np.zeros_like(standing.matte)), 0) is None
    small = standing.points.copy()
    small[:, :2] *= 0.05
    assert paired(replace(standing, points=small), standing, 0) is None


def test_a_reverse_pairs_target_is_the_photo(standing: LabeledPicture) -> None:
    photo = CcpPhoto(
        "drawn",
        standing.rgb,
        Pose(standing.points),
        standing.matte.astype(np.float32) / np.float32(255),
        standing.parsing,
    )
    driver = standing.points.copy()
    driver[[sk.LEFT_ELBOW, sk.LEFT_WRIST], 1] -= (40, 110)
    rng = np.random.default_rng(seed_of_pose_from_clip())
    pair = reverse_pair(photo, [driver], [driver], rng, "reverse/drawn")
    assert pair is not None
    kept = pair.pose.scores > 0
    matrix = map_between(standing.points[kept], pair.pose.points[kept])
    wanted = cv2.warpAffine(standing.rgb, matrix, (192, 256), flags=cv2.INTER_AREA)
    person = (pair.matte > 0.9) & pair.inside
    assert np.abs(wanted.astype(int) - pair.rgb)[person].mean() < 8
    # the source is the same person with the arm where the driver has it
    source = pair.source
    arm = source.pose.xy[sk.LEFT_WRIST] - source.pose.xy[sk.LEFT_SHOULDER]
    assert arm[1] < 0.7 * (standing.points[sk.LEFT_WRIST, 1] - standing.points[sk.LEFT_SHOULDER, 1])
    columns, rows = np.rint(source.pose.xy[[sk.NOSE, sk.LEFT_ELBOW, sk.RIGHT_ELBOW, sk.NECK]]).astype(int).T
    assert (source.matte[rows, columns] > 0.5).all()
    np.testing.assert_allclose(pair.source.matte.max(), 1)
    assert {int(value) for value in np.unique(source.parsing)} <= {int(value) for value in np.unique(standing.parsing)}


def seed_of_pose_from_clip() -> int:
    return next(seed for seed in range(100) if np.random.default_rng(seed).random() < 0.1)


def describing(crop: PersonCrop, parsing: ByteArray) -> Callable[[ByteArray, Pose], Person]:
    return lambda rgb, pose: Person(pose, crop, parsing=parsing, matte=np.ones(parsing.shape, dtype=np.float32))


def test_labels_that_are_missing_are_seen(standing: LabeledPicture) -> None:
    matte = np.ones((256, 192), dtype=np.float32)
    seen = describing(PersonCrop(0.0, 0.0, 1.0), np.full((256, 192), labels.COAT, dtype=np.uint8))
    known = np.full((256, 192), labels.DRESS, dtype=np.uint8)
    known[:100] = labels.IGNORE
    photo = CcpPhoto("made", np.zeros((256, 192, 3), dtype=np.uint8), Pose(standing.points), matte, known)
    filled = with_parsing(photo, seen).parsing
    assert filled is not None
    assert (filled[:100] == labels.COAT).all()
    assert (filled[100:] == labels.DRESS).all()
    unlabeled = with_parsing(replace(photo, parsing=None), seen).parsing
    assert unlabeled is not None
    assert (unlabeled == labels.COAT).all()


@pytest.mark.parametrize("factor", [0.7, 1.0, 1.35])
def test_a_stretched_picture_is_broader_in_all_that_is_known_of_it(standing: LabeledPicture, factor: float) -> None:
    broad = pairs.stretched(standing, factor)
    width = round(WIDTH * factor)
    assert broad.rgb.shape == (HEIGHT, width, 3)
    assert broad.matte.shape == broad.parsing.shape == (HEIGHT, width)

    def middle(mask: np.ndarray) -> tuple[float, float]:
        rows, columns = np.nonzero(mask)
        return float(columns.mean() + 0.5), float(rows.mean() + 0.5)

    for before, after in (
        (standing.matte > 127, broad.matte > 127),
        (standing.parsing == labels.FACE, broad.parsing == labels.FACE),
    ):
        x, y = middle(before)
        assert middle(after) == pytest.approx((x * width / WIDTH, y), abs=0.5)
    edges = broad.points[:, 0] + 0.5
    np.testing.assert_allclose(edges, (standing.points[:, 0] + 0.5) * width / WIDTH, rtol=1e-5)
    np.testing.assert_array_equal(broad.points[:, 1:], standing.points[:, 1:])
