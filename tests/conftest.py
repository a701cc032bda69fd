"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# before PyTorch is imported: tests are small, and threads that wait for each other make them many times slower beside
# other work
os.environ.setdefault("OMP_NUM_THREADS", "1")

# the suite tries the same examples each time, so that it fails for what was changed and for nothing else; `.ci/nightly`
# looks for new ones. A clock fails nothing: machines are busy
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("search", print_blob=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

# fixtures in tests/support that tests of several folders take
pytest_plugins = ["drawn_pairs", "small_scene", "training_packs"]

# of the tests marked `nightly`: how far each goes. `.ci/nightly` gives them
NIGHTLY = {
    "fuzz_cases": (20_000, "damaged files, half of them pictures and clips, half of them documents"),
    "fuzz_minutes": (120.0, "after which no further damaged files are read"),
    "kill_units": (40, "clips of the data set whose making is killed at random"),
}

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photos and videos kept beside the project; tests that need them are skipped where they are absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real photos and videos are not beside the project (../shared/data)")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("nightly", "how far tests go that are marked nightly")
    for name, (default, told) in NIGHTLY.items():
        flag = "--" + name.replace("_", "-")
        group.addoption(flag, dest=name, type=type(default), default=default, metavar="N", help=f"{told} ({default})")
