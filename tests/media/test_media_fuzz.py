"""Damaged files of every format.

The readers refuse them or read what is left, and never crash, hang, or take much memory.

A crash in a decoder ends a process, so the cases run in one of their own; `python tests/media/fuzz_worker.py N N+1
FOLDER` repeats case N, and leaves the file in FOLDER.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_harness import run_batch, run_cases
from fuzz_mutations import mutated
from fuzz_seeds import all_seeds, pillow_heif

from motionwarp.media.container import CONTAINED, opened_container
from motionwarp.media.image import is_picture, read_image
from motionwarp.media.image_header import sniff_picture_format

resource = pytest.importorskip("resource", reason="Windows has no limits of memory for a process")

WORKER = Path(__file__).with_name("fuzz_worker.py")
CASES = 500


def test_damaged_files_do_no_harm(tmp_path: Path, repository_root: Path) -> None:
    assert run_cases(CASES, tmp_path, repository_root, [str(WORKER)]) == (CASES, [])


@pytest.mark.nightly
def test_many_damaged_files_do_no_harm(tmp_path: Path, repository_root: Path, pytestconfig: pytest.Config) -> None:
    cases, minutes = pytestconfig.getoption("fuzz_cases") // 2, pytestconfig.getoption("fuzz_minutes") / 2
    run, failures = run_cases(cases, tmp_path, repository_root, [str(WORKER)], minutes)
    print(f"{run} cases")
    assert not failures


MISBEHAVING = """
import os, sys, time
from pathlib import Path
import fuzz_worker

kept = []
readers = {
    "crash": os.abort,
    "raise": lambda: 1 // 0,
    "hang": lambda: time.sleep(60),
    "hold memory": lambda: kept.append(b"x" * 400_000_000),
    "leave open": lambda: kept.append(open(__file__)),
}
fuzz_worker.SECONDS_A_CASE = 1 if sys.argv[4] == "hang" else 60
fuzz_worker.read_everything = (
    lambda path, case: readers[sys.argv[4]]() if path.name.startswith("case") and case == 1 else None
)
fuzz_worker.main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("crash", "ended the process with -6"),
        ("raise", "ZeroDivisionError"),
        ("hang", "Timeout"),
        ("hold memory", "bytes of memory"),
        ("leave open", "1 files are still open"),
    ],
)
def test_harm_would_be_seen_and_named(tmp_path: Path, repository_root: Path, what: str, told: str) -> None:
    worker = tmp_path / "misbehaving.py"
    worker.write_text(MISBEHAVING)
    batch = run_batch(0, 3, tmp_path, repository_root, worker=[str(worker), what])
    assert len(batch.failures) == 1
    assert batch.failures[0].startswith("case 1 (")
    assert told in batch.failures[0]
    assert batch.next_case == (2 if what in ("crash", "hang") else 3)


def test_cases_differ_and_come_again() -> None:
    seeds = {"a.bin": bytes(range(256)) * 8, "b.bin": bytes(2000)}
    once, again = ([mutated(seeds, case) for case in range(100)] for _ in range(2))
    assert once == again
    assert len(set(once)) > 95
    assert all(content != seeds[name] for name, content in once)


# demuxers of formats that FFmpeg reads and does not write, or for which it has no encoder; damage to their relatives
# reaches some of them
UNMADE = {
    "live_flv", "asf_o", "jpegxl_anim", "vvc", "av1", "vc1", "dirac", "cavsvideo", "apv", "mjpeg", "ac4", "dts",
    "dtshd", "truehd", "mlp",
    "ape", "tak",
}  # fmt: skip
PICTURES = {"jpeg", "png", "gif", "webp", "bmp", "tiff", "pnm", "avif", "heic", "jpeg2000"}


def test_every_format_that_is_read_is_among_the_seeds(tmp_path: Path) -> None:
    pictures, demuxers = set(), set()
    for name, content in all_seeds(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(content)
        if is_picture(path):
            assert read_image(path).width > 0
            pictures.add(sniff_picture_format(content[:32]))
        elif name != "animation.webp":  # which FFmpeg does not open
            with opened_container(path) as container:
                demuxers.add(container.format.name.split(",")[0])
    assert pictures == PICTURES - ({"heic"} if pillow_heif is None else set())
    readable = set(CONTAINED["format_whitelist"].split(","))
    assert demuxers == readable - UNMADE
