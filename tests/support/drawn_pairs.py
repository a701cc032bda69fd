"""Pairs and samples of drawn people that several tests look at; making them takes a second each."""

from __future__ import annotations

from itertools import islice

import pytest

from motionwarp.data.pairs import PersonPair, synthetic_pairs
from motionwarp.engines.warping_gan.data import PartSample, part_sample


@pytest.fixture(scope="session")
def drawn_pairs() -> list[PersonPair]:
    return list(islice(synthetic_pairs(0), 3))


@pytest.fixture(scope="session")
def drawn_samples(drawn_pairs: list[PersonPair]) -> list[PartSample]:
    samples = [part_sample(pair) for pair in drawn_pairs]
    assert all(sample is not None for sample in samples)
    return [sample for sample in samples if sample is not None]
