"""The card of a data set: licenses, how it was made, and that nothing in an input's row can break its form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from motionwarp.datasets.card import dataset_card
from motionwarp.datasets.config import DatasetConfig
from motionwarp.datasets.items import Item
from motionwarp.datasets.plan import make_plan
from motionwarp.datasets.records import ClipRecord, differences_in_making
from motionwarp.pipeline.options import TransferOptions

DONE = ClipRecord(
    "p__m", "p", "m", 0, 1, "done", frames=20, seconds=2.0, motionwarp="1", engine="layered", estimator="builtin",
    estimator_sha256="ab" * 32, device="cpu", precision="float32",
)  # fmt: skip


def card(
    person: str, motion: str, config: DatasetConfig | None = None, records: tuple[ClipRecord, ...] = (DONE,)
) -> str:
    people = (Item("source", "p", "/in/p.png", licence=person),)
    motions = (Item("driving", "m", "/in/m.mp4", licence=motion),)
    config = config or DatasetConfig(TransferOptions(audio=False))
    return dataset_card(make_plan(people, motions, replace(config, pairs="all")), config, records)


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (("MIT", "MIT"), 'license: "mit"'),
        (("CC0-1.0", "MIT"), 'license: ["cc0-1.0", "mit"]'),
        (("MIT", ""), "license: other\nlicense_name: licences-of-the-inputs"),
        (('my "own": licence\nof two lines', "MIT"), "license: other\nlicense_name: licences-of-the-inputs"),
    ],
)
def test_licenses_are_told_as_hubs_read_them(licences: tuple[str, str], expected: str) -> None:
    text = card(*licences)
    header = text.split("---\n")[1]
    assert header.startswith(expected + "\n")
    # `load_dataset` of the folder reads the manifest, not the clips' own files
    assert header.endswith("configs:\n- config_name: default\n  data_files: manifest.parquet\n")
    assert "Nobody filmed these clips" in text


def test_texts_of_inputs_stay_in_their_cells() -> None:
    text = card("mine | yours\n\n# A heading", "MIT")
    assert "| people | mine \\| yours # A heading | 1 |" in text
    assert "| motions | MIT | 1 |" in text


@pytest.mark.parametrize(
    ("licence", "shown"),
    [
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ("[free](javascript:alert(1))", "\\[free\\](javascript:alert(1))"),
        ("![](https://example.invalid/seen.png)", "!\\[\\](https://example.invalid/seen.png)"),
        ("a\\| b | c", "a\\\\\\| b \\| c"),
        ("Tom & `Jerry`", "Tom &amp; \\`Jerry\\`"),
    ],
)
def test_texts_of_inputs_are_neither_html_nor_links(licence: str, shown: str) -> None:
    assert f"| people | {shown} | 1 |" in card(licence, "MIT")


def test_the_card_tells_how_clips_were_made_but_not_where(tmp_path: Path) -> None:
    options = TransferOptions(
        audio=False, background=str(tmp_path / "wall.png"), seed=7, smooth=0.3, crf=20, retarget=False
    )
    text = card("MIT", "MIT", DatasetConfig(options, pairs=str(tmp_path / "pairs.csv")))
    for row in (
        "| pairs | pairs.csv |", "| background | wall.png |", "| seed | 7 |", "| smoothing | 0.3 |", "| quality | 20 |",
        "| fitted to the person's proportions | no |", "| engine | layered, weights none | 1 |",
        "| seen by | builtin, weights abababababab | 1 |", "| computed | on cpu in float32 | 1 |",
    ):  # fmt: skip
        assert row in text
    assert str(tmp_path) not in text


def test_clips_made_by_unlike_machines_are_told() -> None:
    other = replace(DONE, id="q__m", device="cuda", precision="bfloat16")
    failed = ClipRecord("r__m", "r", "m", 0, 1, "failed")
    assert differences_in_making([DONE, DONE, failed]) == []
    notes = differences_in_making([DONE, other, DONE])
    assert notes == [
        "clips differ in device: cpu (2 clips), cuda (1 clips)",
        "clips differ in precision: bfloat16 (1 clips), float32 (2 clips)",
    ]  # fmt: skip
    assert f"\nC{notes[0][1:]}.\n" in card("MIT", "MIT", records=(DONE, other, DONE))
