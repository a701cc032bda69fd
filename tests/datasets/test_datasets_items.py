from __future__ import annotations

from pathlib import Path

import pytest

from motionwarp.datasets.items import background_pool, check_apart, read_items, safe_id
from motionwarp.errors import InputError, OutputError


def test_a_folder_gives_all_pictures_by_name(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.jpg", "a b.PNG", "b/z.jpg", "notes.txt", ".hidden.png", "clip.mp4"):
        (tmp_path / name).touch()
    items = read_items("source", str(tmp_path))
    assert [item.id for item in items] == ["a-b", "b-z", "z"]
    assert [Path(item.path).relative_to(tmp_path).as_posix() for item in items] == ["a b.PNG", "b/z.jpg", "z.jpg"]
    assert [item.id for item in read_items("driving", str(tmp_path))] == ["clip"]
    assert len(background_pool(str(tmp_path))) == 4


def test_ids_differ_even_where_case_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    for name in ("A.jpg", "x/a.jpg", "x-a.jpg"):
        (tmp_path / name).touch()
    ids = [item.id for item in read_items("source", str(tmp_path))]
    assert ids == ["A", "x-a", "x-a-2"]


def test_a_table_gives_sections_and_licenses(tmp_path: Path) -> None:
    table = tmp_path / "d.csv"
    table.write_text(
        "path,start,end,licence\nclips/a.mp4,1,2.5,MIT\nclips/a.mp4,,,\n/abs/b.mp4,0,1,\n", encoding="utf-8"
    )
    first, second, third = read_items("driving", str(table))
    assert (first.id, first.start, first.end, first.licence) == ("a", 1.0, 2.5, "MIT")
    assert first.path == str(tmp_path / "clips" / "a.mp4")
    assert (second.id, second.start, second.end) == ("a-2", None, None)
    assert third.path == "/abs/b.mp4"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file\na.mp4\n", "no column 'path'"),
        ("path,colour\na.mp4,red\n", "unknown column 'colour'"),
        ("path,start\na.mp4,soon\n", "line 2: 'soon' in column 'start'"),
        ("path,start,end\na.mp4,0,1\n\n\nb.mp4,3,2\n", "line 5: b.mp4: the end does not lie"),
        ("path,person\na.mp4,\nb.mp4,everybody\n", "line 3: --person everybody: is not a choice"),
        ("path,path\na.mp4,b.mp4\n", "the column 'path' twice"),
        ("path,licence\na.mp4," + 200_000 * "x" + "\n", "cannot be read"),
        ("path,id\na.mp4,x\nb.mp4,X\n", "comes twice"),
        ("path,id\na.mp4,x__y\n", "is not an id|line 2"),
        ("path\n", "no rows"),
        ("path,start\n\na.mp4\n", "line 3 has another number of columns"),
    ],
)
def test_wrong_tables_are_told_by_line(tmp_path: Path, content: str, message: str) -> None:
    table = tmp_path / "d.csv"
    table.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_items("driving", str(table))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no pictures"):
        read_items("source", str(tmp_path))
    with pytest.raises(InputError, match="there is no such folder"):
        read_items("source", str(tmp_path / "nowhere"))
    (tmp_path / "one.png").touch()
    with pytest.raises(InputError, match="is no folder"):
        read_items("source", str(tmp_path / "one.png"))
    with pytest.raises(InputError, match="there is no such folder"):
        background_pool(str(tmp_path / "nowhere"))
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="this table cannot be read"):
        read_items("source", str(tmp_path / "folder.csv"))


def test_tables_with_odd_names_and_blanks_are_read(tmp_path: Path) -> None:
    table = tmp_path / "my people, é\\v2.csv"
    table.write_text(' path , person\n"a, b.png","3, 2"\n', encoding="utf-8")
    (item,) = read_items("source", str(table))
    assert (item.path, item.id, item.person) == (str(tmp_path / "a, b.png"), "a-b", "3,2")


def test_a_data_set_among_its_inputs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people").mkdir()
    Path("link").symlink_to("people")
    for output, place in (
        ("people/set", "people"),
        ("people", "people/"),
        ("link/x", "people"),
        ("s3://b/in/set", "s3://b/in/"),
    ):
        with pytest.raises(OutputError, match="lies in a folder of inputs"):
            check_apart(output, ["other", place])
    check_apart("people-set", ["people", "people/table.csv", "s3://b/people"])
    check_apart("people/set", ["people/table.csv"])


@pytest.mark.parametrize(
    ("text", "expected"), [("a__b", "a_b"), ("_.-", "item"), ("é ü", "item"), ("x" * 99, "x" * 80), ("a/b.c", "a-b-c")]
)
def test_ids_are_safe_for_files_and_for_joining(text: str, expected: str) -> None:
    assert safe_id(text) == expected
