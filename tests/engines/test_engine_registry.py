"""Engines by name, by files of weights, and those that other distributions bring."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from motionwarp.checkpoints.checkpoint import registry
from motionwarp.data.pack_kinds import ANALYZER_PACKS
from motionwarp.engines import layered, warping_gan
from motionwarp.engines.base import Engine
from motionwarp.engines.layered.engine import LayeredEngine
from motionwarp.engines.registry import catalog, engine_choices, engine_help, find_spec, make_engine, pack_kinds
from motionwarp.engines.spec import EngineSpec, PersonFit
from motionwarp.engines.swapping import ClothesSwapper
from motionwarp.engines.warping_gan.engine import WarpingGanEngine
from motionwarp.errors import EngineWarning, OptionError, WeightsError
from motionwarp.references import load_reference

Installer = Callable[..., None]


@pytest.mark.parametrize("name", engine_choices())
def test_every_listed_name_makes_an_engine(name: str) -> None:
    assert isinstance(make_engine(name), Engine)


def test_auto_is_the_trained_engine_and_each_call_makes_a_new_one() -> None:
    first, second = make_engine("auto"), make_engine("auto")
    assert isinstance(first, WarpingGanEngine)
    assert first is not second
    assert first.weights_sha256 == registry()["warping_gan"].sha256


def test_the_training_free_engine_is_there_by_name() -> None:
    assert isinstance(make_engine("layered"), LayeredEngine)


def test_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(OptionError) as raised:
        make_engine("laired")
    assert raised.value.exit_code == 2
    for name in ("laired", *engine_choices()):
        assert name in str(raised.value)


def test_an_engine_without_weights_says_how_to_get_them() -> None:
    assert "warping_gan_paper" not in engine_choices()
    assert "warping_gan_paper" in engine_help()
    with pytest.raises(WeightsError, match="motionwarp train warping_gan_paper"):
        make_engine("warping_gan_paper")


@pytest.mark.parametrize("spec", catalog().specs.values(), ids=lambda spec: spec.name)
def test_every_reference_of_a_spec_leads_somewhere(spec: EngineSpec) -> None:
    assert spec.moves_people or spec.changes_clothes or spec.trainings
    if spec.moves_people:
        assert issubclass(load_reference(spec.engine), Engine)
        assert load_reference(spec.engine).name == spec.name
    if spec.changes_clothes:
        assert issubclass(load_reference(spec.swapper), ClothesSwapper)
    for training in spec.trainings.values():
        assert {"output", "max_minutes", "device", "precision"} <= set(
            load_reference(training.options).__dataclass_fields__
        )
        assert callable(load_reference(training.make))
        assert {name for name, _ in training.example} <= set(load_reference(training.options).__dataclass_fields__)
    assert not spec.weights or registry()[spec.weights].architecture in spec.architectures
    for stage in spec.stages.values():
        assert "loop" in stage.config_class().__dataclass_fields__
        assert callable(load_reference(stage.task))
    for kind in spec.packs.values():
        assert callable(load_reference(kind.write))
    if spec.person is not None:
        assert load_reference(spec.person.config)().frames > 0
        assert callable(load_reference(spec.person.fit))


def test_kinds_of_packs_are_of_the_analyzer_and_of_engines() -> None:
    kinds = pack_kinds()
    assert set(ANALYZER_PACKS) | set(warping_gan.SPEC.packs) <= set(kinds)
    assert "pairs-deepfashion" in kinds


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Tiny"}, "no name"),
        ({"name": "auto"}, "another meaning"),
        ({"name": "parser"}, "another meaning"),
        ({"engine": "motionwarp.engines.layered"}, "no reference"),
        ({"packs": {"a b": warping_gan.SPEC.packs["parts-clips"]}}, "no name"),
    ],
)
def test_specs_that_cannot_be_meant_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(layered.SPEC, **changes)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no reference"):
        PersonFit("a:b", "a.b")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    """Put a distribution with an engine on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    made: list[str] = []

    def put(distribution: str, spec: str, entry: str = "spec") -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(spec, encoding="utf-8")
        folder = tmp_path / f"{module}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (folder / "entry_points.txt").write_text(f"[motionwarp.engines]\nany = {module}:{entry}\n")
        made.append(module)
        importlib.invalidate_caches()
        catalog.cache_clear()

    yield put
    for module in made:
        sys.modules.pop(module, None)
    monkeypatch.undo()
    importlib.invalidate_caches()
    catalog.cache_clear()


SPEC = """
from motionwarp.engines.spec import EngineSpec
spec = EngineSpec("{name}", "Tiny.", "motionwarp.engines.layered.engine:LayeredEngine", {more})
"""


def test_engines_of_others_are_found_by_their_entry_points(install: Installer) -> None:
    install("tiny-engine", SPEC.format(name="tiny", more=""))
    assert catalog().distributions["tiny"] == "tiny-engine 1.2"
    assert isinstance(make_engine("tiny"), LayeredEngine)
    assert find_spec("auto").name == "warping_gan"
    assert "tiny" in engine_choices()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise RuntimeError('no wheels')", r"broken-engine 1\.2.*RuntimeError: no wheels"),
        ("spec = 3", r"broken-engine 1\.2.*is int, not EngineSpec"),
        (SPEC.format(name="layered", more=""), r"broken-engine 1\.2.*the engine 'layered' is also of motionwarp"),
        (
            SPEC.format(name="other", more="architectures=('warping_gan',)"),
            r"broken-engine 1\.2.*the architecture 'warping_gan' is also of motionwarp",
        ),
    ],
)
def test_engines_that_cannot_be_used_are_left_out_with_a_word(install: Installer, text: str, words: str) -> None:
    install("broken-engine", text)
    with pytest.warns(EngineWarning, match=words):
        assert catalog().problems
    assert isinstance(make_engine("layered"), LayeredEngine)
    with pytest.raises(OptionError, match=words):
        make_engine("laired")


def test_of_two_that_claim_one_name_neither_is_taken_by_chance(install: Installer) -> None:
    install("one-engine", SPEC.format(name="tiny", more=""))
    install("two-engine", SPEC.format(name="tiny", more=""))
    with pytest.warns(EngineWarning) as warned:
        assert "tiny" not in catalog().specs
    texts = sorted(str(each.message) for each in warned)
    assert "of one-engine 1.2 is left out: the engine 'tiny' is also of two-engine 1.2" in texts[0]
    assert "of two-engine 1.2 is left out: the engine 'tiny' is also of one-engine 1.2" in texts[1]
