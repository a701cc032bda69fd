"""Damaged documents: poses, motion capture, avatars, weights, configurations, tables and manifests.

Whoever reads them refuses them or reads what is left: no crash, no hang, no memory, no error that is none of ours. The
cases run in a process of their own; `document_worker.py N N+1 FOLDER` repeats case N and leaves the file in FOLDER.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from document_mutations import mutated_document
from fuzz_harness import run_cases

pytest.importorskip("resource", reason="Windows has no limits of memory for a process")

WORKER = Path(__file__).with_name("document_worker.py")
CASES = 600


def test_damaged_documents_do_no_harm(tmp_path: Path, repository_root: Path) -> None:
    assert run_cases(CASES, tmp_path, repository_root, [str(WORKER)]) == (CASES, [])


@pytest.mark.nightly
def test_many_damaged_documents_do_no_harm(tmp_path: Path, repository_root: Path, pytestconfig: pytest.Config) -> None:
    cases, minutes = pytestconfig.getoption("fuzz_cases") // 2, pytestconfig.getoption("fuzz_minutes") / 2
    run, failures = run_cases(cases, tmp_path, repository_root, [str(WORKER)], minutes)
    print(f"{run} cases")
    assert not failures


def test_cases_differ_and_come_again() -> None:
    seeds = {
        "a.json": b'{"frames": [[1, 2, 0.5], null], "width": 4}',
        "a.toml": b"[network]\nchannels = [1, 2]\nname = 'x'\n",
        "a.bin": bytes(range(200)),
    }
    once, again = ([mutated_document(seeds, case) for case in range(120)] for _ in range(2))
    assert once == again
    assert len(set(once)) > 90
