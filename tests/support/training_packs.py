"""Packs that the training tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from flat_people import part_sample_of, picture_pair_of

from motionwarp.data.labeled_pairs import PairPackWriter
from motionwarp.engines.warping_gan.data import PartPackWriter


@pytest.fixture(scope="session")
def part_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = PartPackWriter()
    for number in range(3):
        writer.add(part_sample_of(number))
    path = tmp_path_factory.mktemp("parts") / "flat.pack"
    writer.write(path)
    return path


@pytest.fixture(scope="session")
def pair_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    writer = PairPackWriter()
    for number in range(3):
        writer.add(picture_pair_of(number))
    path = tmp_path_factory.mktemp("pairs") / "flat.pack"
    writer.write(path)
    return path
