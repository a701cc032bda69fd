"""The recipes of the weights that ship: each loads as what it is for, and says of the networks what the weights say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import motionwarp
from motionwarp.checkpoints.checkpoint import load_checkpoint
from motionwarp.config import read_config
from motionwarp.engines.cyclegan.config import TranslationTrainingConfig
from motionwarp.engines.cyclegan.networks import TranslationConfig
from motionwarp.engines.registry import catalog
from motionwarp.engines.warping_gan.networks import PartGeneratorConfig, PartParserConfig
from motionwarp.perception.network import AnalyzerConfig
from motionwarp.training import analyzer
from motionwarp.training.stage import StageSpec

PACKAGE = Path(motionwarp.__file__).parent


def recipes() -> list[tuple[Path, StageSpec]]:
    folders: list[tuple[Path, Mapping[str, StageSpec]]] = [
        (PACKAGE / "training" / "analyzer" / "configs", {"analyzer": analyzer.STAGE})
    ]
    folders += [
        (PACKAGE / "engines" / spec.name / "configs", spec.stages) for spec in catalog().specs.values() if spec.stages
    ]
    return [
        (path, stages[path.stem.rpartition("_")[0]])
        for folder, stages in folders
        if folder.is_dir()
        for path in sorted(folder.glob("*.toml"))
    ]


def plain(config: object) -> dict[str, Any]:
    """A network's configuration as a file of weights has it."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(config).items()}  # type: ignore[call-overload]


@pytest.mark.parametrize(("path", "stage"), recipes(), ids=lambda value: value.stem if isinstance(value, Path) else "")
def test_a_recipe_is_a_configuration_of_its_stage(path: Path, stage: StageSpec) -> None:
    config = read_config(path, stage.config_class())
    assert config.loop.steps > 0
    assert all(share.path.parent.name == "packs" for share in config.packs)
    # numbered recipes are runs after each other; the others are a paper's sizes, and those for two cores
    number = path.stem.rpartition("_")[2]
    assert (config.start_from is None) == (number in ("1", "paper", "small"))


def test_the_last_recipes_are_of_the_weights_that_ship() -> None:
    found = {path.stem: read_config(path, stage.config_class()) for path, stage in recipes()}
    weights = load_checkpoint("warping_gan", "warping_gan")
    assert plain(found["parser_4"].network) == {**plain(PartParserConfig()), **weights.config["parser"]}
    assert plain(found["generator_6"].network) == {**plain(PartGeneratorConfig()), **weights.config["generator"]}
    assert str(found["generator_6"].loop.steps) == weights.metadata["step"]
    # what was added to the configuration after these weights were made has its default
    shipped = load_checkpoint("analyser", "analyser").config["network"]
    assert plain(found["analyzer_10"].network) == {**plain(AnalyzerConfig()), **shipped}
    runs = [config for name, config in found.items() if name.startswith("analyzer")]
    assert sum(config.loop.steps for config in runs) == 25_200


def test_the_translation_s_recipe_is_of_the_weights_that_ship() -> None:
    path = PACKAGE / "engines" / "cyclegan" / "configs" / "cyclegan_small.toml"
    recipe = read_config(path, TranslationTrainingConfig)
    weights = load_checkpoint("cyclegan", "cyclegan")
    assert plain(recipe.as_variant("cyclegan").network) == {**plain(TranslationConfig()), **weights.config["network"]}


def test_every_engine_that_ships_weights_has_recipes() -> None:
    with_recipes = {path.parents[1].name for path in PACKAGE.glob("engines/*/configs/*.toml")}
    assert {spec.name for spec in catalog().specs.values() if spec.weights} <= with_recipes
