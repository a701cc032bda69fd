"""The readers of published protocol files, on small made-up copies of their forms."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from motionwarp.data.protocol_folders import PairDataset, find_protocol
from motionwarp.data.protocols import PairNames, person_of, read_annotations, read_pairs, write_annotations, write_pairs
from motionwarp.errors import InputError
from motionwarp.types import Pose

WOMAN = "fashionWOMENTees_Tanksid0000762403_"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def row(name: str, y: list[object], x: list[object]) -> str:
    return f"{name}: {y}: {x}\n"


@pytest.mark.parametrize(
    "text",
    [
        "from,to\na.jpg,b.jpg\nb.jpg,a.jpg\n",
        "source,target\na.jpg,b.jpg\nb.jpg,a.jpg\n",
        ",from,to\n0,a.jpg,b.jpg\n1,b.jpg,a.jpg\n",
        "a.jpg,b.jpg\r\nb.jpg,a.jpg\r\n",
        "a.jpg\tb.jpg\nb.jpg\ta.jpg\n\n",
        "a.jpg b.jpg\nb.jpg a.jpg",
        "\ufefffrom;to\na.jpg;b.jpg\nb.jpg;a.jpg\n",
        'to,from\nb.jpg,"a.jpg"\na.jpg,b.jpg\n',
    ],
)
def test_all_published_and_plain_forms_give_the_same_pairs(tmp_path: Path, text: str) -> None:
    pairs = read_pairs(write(tmp_path / "pairs.csv", text))
    assert pairs.pairs == (PairNames("a.jpg", "b.jpg"), PairNames("b.jpg", "a.jpg"))


def test_the_checksum_is_of_the_file(tmp_path: Path) -> None:
    first = read_pairs(write(tmp_path / "one.csv", "from,to\na,b\n"))
    second = read_pairs(write(tmp_path / "two.csv", "from,to\na,c\n"))
    assert first.sha256 == hashlib.sha256(b"from,to\na,b\n").hexdigest()
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("from,to\n", "no rows"),
        ("from,to\na,b\nc,d\na,b\n", "line 4 repeats line 2"),
        ("from,to\na,nan\n", "line 2 has nan"),
        ("from,to\na,\n", "line 2 has nothing"),
        ("from,to\na\n", "line 2 has 1 columns"),
        ("a,b\na,c,d\n", "line 2 has 3 columns"),
        ("from,to,score\na,b,1\na,b,2\n", "line 3 repeats line 2"),
    ],
)
def test_wrong_lists_are_refused_with_the_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_pairs(write(tmp_path / "pairs.csv", text))


def test_missing_and_binary_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_pairs(tmp_path / "absent.csv")
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError, match="not a text file"):
        read_pairs(tmp_path / "picture.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_annotations(tmp_path)


def test_pairs_come_back_as_written(tmp_path: Path) -> None:
    pairs = (PairNames("a, b.jpg", "c.jpg"), PairNames('quote".png', "é.png"))
    write_pairs(tmp_path / "out.csv", pairs)
    assert read_pairs(tmp_path / "out.csv").pairs == pairs


def test_annotations_have_y_first_and_missing_points(tmp_path: Path) -> None:
    y, x = list(range(18)), list(range(100, 118))
    y[3] = x[3] = -1
    text = "name:keypoints_y:keypoints_x\n" + row("a.jpg", y, x) + row("b:c.jpg", [5] * 18, [6.5] * 18)
    poses = read_annotations(write(tmp_path / "notes.csv", text))
    assert list(poses) == ["a.jpg", "b:c.jpg"]
    np.testing.assert_array_equal(poses["a.jpg"].points[5], [105, 5, 1])
    np.testing.assert_array_equal(poses["a.jpg"].points[3], [0, 0, 0])
    np.testing.assert_array_equal(poses["b:c.jpg"].points, np.tile(np.float32([6.5, 5, 1]), (18, 1)))


def test_annotations_come_back_as_written(tmp_path: Path) -> None:
    points = np.random.default_rng(0).integers(0, 200, (18, 3)).astype(np.float32)
    points[:, 2] = 1
    points[[2, 9]] = 0
    write_annotations(tmp_path / "notes.csv", {"x.png": Pose(points)})
    np.testing.assert_array_equal(read_annotations(tmp_path / "notes.csv")["x.png"].points, points)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no annotations"),
        ("name:keypoints_y:keypoints_x\n", "holds no annotations"),
        ("a.jpg;1;2\n", "line 1 is not"),
        (row("a", [1] * 17, [1] * 17), "17 coordinates"),
        (row("a", [1] * 18, [1] * 18).replace("[1", "[NaN", 1), "not finite"),
        (row("a", [1] * 18, [1] * 18).replace("[1", "[true", 1), "18 are needed"),
        ("a: [1, 2: oops\n", "no list of numbers"),
        (row("a", [1] * 18, [1] * 18) * 2, "a second time"),
        (row("a", [-1] + [1] * 17, [1] * 18), "one coordinate of point 0"),
    ],
)
def test_wrong_annotations_are_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_annotations(write(tmp_path / "notes.csv", text))


@pytest.mark.parametrize(
    ("name", "person"),
    [
        (f"{WOMAN}3back.jpg", "id00007624"),
        ("img/MEN/Denim/id_00000080/01_1_front.jpg", "id00000080"),
        ("0002_c1s1_000451_03.jpg", "0002"),
        ("test/1501_c6s4_001877_02.jpg", "1501"),
        ("0000_c1s1_000451_03.jpg", None),
        ("-1_c1s1_000451_03.jpg", None),
        ("holiday.jpg", None),
    ],
)
def test_published_names_tell_the_person(name: str, person: str | None) -> None:
    assert person_of(name) == person


def make_fashion(folder: Path, names: list[str], pairs: str, split: str = "train") -> None:
    (folder / split).mkdir(parents=True)
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / split / name), np.full((256, 176, 3), (0, 0, 10 * number), np.uint8))
    rows = "".join(row(name, [number] * 18, [2 * number] * 18) for number, name in enumerate(names))
    write(folder / f"fasion-resize-annotation-{split}.csv", "name:keypoints_y:keypoints_x\n" + rows)
    write(folder / f"fasion-pairs-{split}.csv", "from,to\n" + pairs)


def test_the_training_pairs_of_deepfashion_are_a_data_set(tmp_path: Path) -> None:
    names = [f"{WOMAN}{view}.png" for view in ("1front", "2side", "3back")]
    make_fashion(tmp_path, names, f"{names[0]},{names[2]}\n{names[2]},{names[1]}\n")
    pairs = PairDataset(find_protocol(tmp_path, "deepfashion", "train"))
    assert len(pairs) == 2
    sample = pairs[0]
    assert (sample.names.source, sample.names.target) == (names[0], names[2])
    assert sample.source_rgb.shape == (256, 176, 3)
    assert sample.target_rgb[0, 0].tolist() == [20, 0, 0]
    np.testing.assert_array_equal(sample.target_points[7], [4, 2, 1])


def test_market_lies_elsewhere_and_lacking_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    write(tmp_path / "market-pairs-test.csv", "from,to\n0002_c1s1_000451_03.jpg,0002_c1s1_000551_01.jpg\n")
    with pytest.raises(InputError, match=r"market-annotation-test\.csv"):
        find_protocol(tmp_path, "market1501", "test")
    write(tmp_path / "market-annotation-test.csv", row("0002_c1s1_000451_03.jpg", [1] * 18, [1] * 18))
    files = find_protocol(tmp_path, "market1501", "test")
    assert files.pictures == tmp_path / "test"
    with pytest.raises(InputError, match="no points of 0002_c1s1_000551_01"):
        PairDataset(files)
