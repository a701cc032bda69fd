"""Runs over made-up pairs: metrics, exclusion, resuming, engines, network metrics, and the page."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_pairs import MadePairs, make_pairs, points, scene, write_picture
from safetensors.torch import save_file
from skimage.metrics import structural_similarity

from motionwarp.data.protocols import PairNames, write_pairs
from motionwarp.engines.base import Engine, Motion, RenderSettings
from motionwarp.errors import InputError, OptionError
from motionwarp.evaluation.extractors.backbones import CHANNELS, Backbone
from motionwarp.evaluation.extractors.files import FeatureWeights
from motionwarp.evaluation.metrics.ssim import masked_ssim
from motionwarp.evaluation.options import FAMILIES, PairsSettings, parse_families
from motionwarp.evaluation.pairs import image_metrics as measuring
from motionwarp.evaluation.pairs.image_metrics import PictureTask, measure_all, per_image_metrics, variant_metrics
from motionwarp.evaluation.pairs.report import write_report
from motionwarp.evaluation.pairs.run import PairsRun
from motionwarp.evaluation.published import dataset_of, published_results
from motionwarp.types import FloatArray, Person, PersonCrop, PersonLayer, Pose, SourcePerson


@pytest.fixture
def made(tmp_path: Path) -> MadePairs:
    return make_pairs(tmp_path)


def settings_of(made: MadePairs, **changes: Any) -> PairsSettings:
    given: dict[str, Any] = {
        "pairs": made.list_file,
        "images": made.images,
        "report": made.folder / "report",
        "annotations": made.annotations,
        "families": ("pictures",),
        "engines": ("copy",),
        "jobs": 1,
    }
    return PairsSettings(**{**given, **changes})


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


def run(settings: PairsSettings, rows: int = 4) -> dict[str, Any]:
    runner = PairsRun(settings)
    return write_report(runner.run(silent), runner.people.known_poses(), rows)


def test_figures_of_two_pictures_are_those_of_the_published_code() -> None:
    result, truth = scene(60), np.clip(scene(70).astype(int) + 5, 0, 250).astype(np.uint8)
    result = np.clip(result, 0, 200)
    metrics = {**per_image_metrics(result, truth, points(70)), **variant_metrics(result, truth)}
    patn = structural_similarity(
        truth.astype(np.float64), result.astype(np.float64), gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2, data_range=float(result.max()) - float(result.min()),
    )  # fmt: skip
    assert metrics["ssim_patn"] == pytest.approx(patn, abs=1e-6)
    large = structural_similarity(truth / 255, result / 255, win_size=51, channel_axis=2, data_range=1)
    assert metrics["ssim_51"] == pytest.approx(large, abs=1e-5)
    mask = measuring.pose_mask(points(70), *truth.shape[:2])
    assert metrics["mask_ssim"] == pytest.approx(masked_ssim(result, truth, mask), abs=1e-9)
    assert metrics["ssim"] != pytest.approx(patn, abs=1e-4)
    assert 0 < metrics["local_ssim"] < 1
    plain = per_image_metrics(np.zeros_like(truth), truth, None)
    assert np.isnan([plain["ssim_patn"], plain["mask_ssim"], plain["local_ssim"]]).all()


def test_processes_give_what_one_gives_in_order(made: MadePairs) -> None:
    paths = sorted(made.images.iterdir())
    tasks = [PictureTask(one, other, None) for one in paths for other in paths]
    tasks[3] = PictureTask(made.folder / "absent.png", paths[0], None)
    alone = list(measure_all(tasks, "exact", variants=False, jobs=1))
    both = list(measure_all(tasks, "exact", variants=False, jobs=2))
    assert [each.error for each in alone] == [each.error for each in both]
    assert "no such file" in str(both[3].error)
    for one, other in zip(alone, both, strict=True):
        np.testing.assert_equal(one.metrics, other.metrics)


def test_the_better_system_wins_and_its_lead_is_beyond_chance(made: MadePairs) -> None:
    good, poor = made.generated("good", 4), made.generated("poor", 25)
    summary = run(settings_of(made, generated=(str(good), f"worse={poor}")))
    systems = summary["figures"]["ssim"]["systems"]
    assert list(systems) == ["copy", "good", "worse"]
    assert systems["good"]["mean"] > systems["worse"]["mean"]
    assert systems["good"]["low"] < systems["good"]["mean"] < systems["good"]["high"]
    leads = {(row["figure"], row["first"], row["second"]): row for row in summary["differences"]}
    lead = leads["l1", "good", "worse"]
    assert lead["better"] == "good"
    assert lead["p"] <= lead["p_holm"] < 0.05
    assert lead["mean"] < 0
    assert summary["pairs"]["scored"] == 12
    assert summary["pairs"]["sha256"] == hashlib.sha256(made.list_file.read_bytes()).hexdigest()
    saved = json.loads((made.folder / "report" / "metrics.json").read_text(encoding="utf-8"))
    assert saved == json.loads(json.dumps(summary))
    with (made.folder / "report" / "pairs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    own = [float(row["ssim"]) for row in rows if row["system"] == "good"]
    assert np.mean(own) == pytest.approx(systems["good"]["mean"], abs=1e-5)


def test_broken_pairs_are_told_and_count_for_nobody(made: MadePairs) -> None:
    good = made.generated("good", 4)
    other = made.generated("other", 9)
    missing = good / "scene_40_2_scene_60.png"
    missing.unlink()
    (other / "scene_40_2_scene_80.png").write_bytes(b"no picture")
    write_picture(other / "scene_40_2_scene_100.png", scene(40)[:100])
    write_pairs(made.list_file, [*made.pairs, PairNames("scene_40.png", "absent.png")])
    summary = run(settings_of(made, generated=(str(good), str(other))))
    excluded = {each["pair"]: each for each in summary["pairs"]["excluded"]}
    assert {name.split("> ")[1]: each["system"] for name, each in excluded.items()} == {
        "scene_60.png": "good", "scene_80.png": "other", "scene_100.png": "other", "absent.png": None,
    }  # fmt: skip
    assert "result is 176x100 and the truth 176x192" in excluded["scene_40.png > scene_100.png"]["reason"]
    assert {own["pairs"] for own in summary["figures"]["ssim"]["systems"].values()} == {9}
    page = (made.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "4 excluded for all systems alike" in page


def test_nothing_left_to_compare_is_an_error(made: MadePairs) -> None:
    (made.folder / "empty").mkdir()
    with pytest.raises(InputError, match=r"no pair is left.*no result for this pair"):
        run(settings_of(made, generated=(str(made.folder / "empty"),)))


def test_one_file_for_two_pairs_is_refused(made: MadePairs) -> None:
    write_pairs(
        made.list_file, [PairNames("a/scene_40.png", "scene_60.png"), PairNames("a_scene_40.png", "scene_60.png")]
    )
    for name in ("a/scene_40.png", "a_scene_40.png"):
        write_picture(made.images / name, scene(40))
    write_picture(made.folder / "flat" / "a_scene_40_2_scene_60.png", scene(60))
    with pytest.raises(InputError, match="result of two pairs"):
        run(settings_of(made, engines=(), generated=(str(made.folder / "flat"),)))


def test_what_was_scored_is_not_scored_again(made: MadePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    good = made.generated("good", 4)
    measured: list[str] = []
    original = measuring.measure

    def counting(task: PictureTask, fit: Any, *, variants: bool = False) -> Any:
        if len(measured) == 20 and not (made.folder / "on").exists():
            raise RuntimeError("the power went")
        measured.append(task.result.name)
        return original(task, fit, variants=variants)

    monkeypatch.setattr(measuring, "measure", counting)
    settings = settings_of(made, generated=(str(good),))
    with pytest.raises(RuntimeError, match="power"):
        run(settings)
    (made.folder / "on").touch()
    first = run(settings)
    assert len(measured) == 24  # nothing of the 20 was lost
    assert run(settings) == first
    assert len(measured) == 24
    write_picture(good / "scene_40_2_scene_60.png", scene(40))
    assert run(settings)["figures"]["ssim"] != first["figures"]["ssim"]
    assert len(measured) == 25  # the one that changed
    run(settings_of(made, generated=(str(good),), fit="pad"))
    assert len(measured) == 49  # other settings, other scores


def test_a_limit_draws_the_same_pairs_every_time(made: MadePairs) -> None:
    first = run(settings_of(made, limit=5, seed=3))
    assert first["pairs"]["scored"] == 5
    assert run(settings_of(made, limit=5, seed=3))["figures"] == first["figures"]
    assert "a random 5 of the list" in (made.folder / "report" / "index.html").read_text(encoding="utf-8")


# engines
# ---------------------------------------------------------------------------------------------------------------------


class BoxEngine(Engine):
    """Draws the box where the neck is: a perfect engine for these scenes."""

    name = "boxes"
    prepared = 0

    def prepare(self, source: SourcePerson, settings: RenderSettings) -> None:
        BoxEngine.prepared += 1

    def plan(self, motion: Motion) -> FloatArray:
        return motion.points[:, 1, :2].copy()

    def render(self, motion: Motion, theta: FloatArray) -> Sequence[PersonLayer]:
        left = round(float(theta[0, 0])) - 15
        if left == 100:
            raise InputError("this engine cannot go so far")
        rgba = np.full((120, 30, 4), 255, np.uint8)
        rgba[..., :3] = scene(left)[40:160, left : left + 30]
        return [PersonLayer(rgba, left, 40)]


class BoxEstimator:
    """Sees the box by its colors."""

    name = "boxes"
    looked = 0

    def analyze_picture(self, rgb: np.ndarray, choice: object = None, *, given_pose: Pose | None = None) -> Any:
        BoxEstimator.looked += 1
        box = np.abs(rgb.astype(int) - 120).sum(axis=2) > 20
        left = int(np.flatnonzero(box.sum(axis=0) > 60)[0])
        crop = PersonCrop(0, 0, 1, width=rgb.shape[1], height=rgb.shape[0])
        return Person(given_pose or Pose(points(left)), crop, (box * 5).astype(np.uint8), box.astype(np.float32))


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    BoxEngine.prepared = BoxEstimator.looked = 0
    for module in ("systems", "render"):
        monkeypatch.setattr(f"motionwarp.evaluation.pairs.{module}.make_engine", lambda name: BoxEngine())
    monkeypatch.setattr("motionwarp.evaluation.pairs.run.make_estimator", lambda *given: BoxEstimator())


@pytest.mark.usefixtures("boxes")
def test_engines_render_once_and_their_failures_are_told(made: MadePairs) -> None:
    settings = settings_of(made, engines=("copy", "boxes"))
    summary = run(settings)
    assert BoxEngine.prepared == 4  # once a source
    assert summary["pairs"]["scored"] == 9
    assert {each["reason"] for each in summary["pairs"]["excluded"]} == {"this engine cannot go so far."}
    systems = summary["figures"]["ssim"]["systems"]
    assert systems["boxes"]["mean"] > 0.9 > systems["copy"]["mean"]
    looked = BoxEstimator.looked
    assert run(settings)["figures"] == summary["figures"]
    assert BoxEstimator.looked <= looked + 3  # only what failed is tried again


@pytest.mark.usefixtures("boxes")
def test_what_an_engine_costs_is_told(made: MadePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(made, engines=("copy", "boxes"))
    costs = run(settings)["costs"]
    assert list(costs) == ["boxes"]  # a copy costs nothing
    assert costs["boxes"]["parameters"] is None
    assert 0 < costs["boxes"]["seconds_per_frame"] < 10
    page = (made.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert f'<td class="figure">{costs["boxes"]["seconds_per_frame"]:.3f}</td><td class="figure">-</td>' in page
    # pictures that an earlier run has made keep their times
    assert run(settings)["costs"] == costs
    save_file({"one": torch.zeros(3, 5), "two": torch.zeros(7)}, made.folder / "own.safetensors", {"format": "pt"})
    own = run(settings_of(made, engines=(str(made.folder / "own.safetensors"),)))["costs"]
    assert own["own"]["parameters"] == 22


@pytest.mark.usefixtures("boxes")
def test_without_annotations_the_analyzer_sees_the_points(made: MadePairs) -> None:
    seen = run(settings_of(made, annotations=None))
    assert seen["settings"]["points"] == "seen by the analyzer"
    given = run(settings_of(made))
    assert seen["figures"]["local_ssim"]["systems"] == given["figures"]["local_ssim"]["systems"]
    without = run(settings_of(made, annotations=None, with_points=False))
    assert "give `annotations`" in without["missing"]["local_ssim"]
    assert "local_ssim" not in without["figures"]


@pytest.mark.usefixtures("boxes")
def test_pose_and_parsing_of_results(made: MadePairs) -> None:
    summary = run(settings_of(made, generated=(str(made.generated("good", 1)),), families=("pose", "parsing")))
    metrics = {name: details["systems"] for name, details in summary["figures"].items()}
    # the box of a copy is 20, 40 or 60 pixels off, as often as pairs are so far apart: 6, 4 and 2 of 12
    assert metrics["akd"]["copy"]["mean"] == pytest.approx((6 * 20 + 4 * 40 + 2 * 60) / 12)
    assert metrics["akd"]["good"]["mean"] == 0
    assert (metrics["pckh"]["good"]["mean"], metrics["pckh"]["copy"]["mean"]) == (1, 0)
    assert metrics["mkr"]["copy"]["mean"] == 0
    assert metrics["parsing_miou"]["good"]["mean"] > 0.95 > metrics["parsing_miou"]["copy"]["mean"]
    # boxes of 30 pixels that are 20 apart share a fifth of what they cover together, others nothing
    assert metrics["matte_iou"]["good"]["mean"] > 0.95
    assert metrics["matte_iou"]["copy"]["mean"] == pytest.approx(6 * (10 / 50) / 12, abs=0.01)


# networks
# --------------------------------------------------------------------------------------------------------------------


def test_network_figures_without_weights_are_missing_with_the_reason(
    made: MadePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTIONWARP_CACHE", str(made.folder / "no_cache"))
    summary = run(settings_of(made, families=("pictures", "lpips", "sets")))
    assert set(summary["missing"]) == {"lpips", "fid", "is"}
    assert "motionwarp weights pull inception" in summary["missing"]["fid"]
    assert not set(summary["missing"]) & set(summary["figures"])
    page = (made.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "<code>motionwarp weights pull alexnet lpips-alex</code>" in page


class MeanColors(torch.nn.Module):
    """Stands in for Inception, whose 2048 features take seconds: mean colors of the halves, and classes by them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(6, 5)

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        halves = torch.nn.functional.adaptive_avg_pool2d(pictures, (1, 2)).flatten(1)
        return halves, torch.softmax(20 * halves[:, :5], dim=1)


def test_network_figures_with_weights(made: MadePairs, monkeypatch: pytest.MonkeyPatch) -> None:
    """With made-up weights: equal sets have FID 0, equal pictures LPIPS 0, others more."""
    torch.manual_seed(0)
    tensors = {
        "inception": dict(MeanColors().state_dict()),
        "alexnet": dict(Backbone("alex").state_dict()),
        "lpips-alex": {
            f"lin{number}.model.1.weight": torch.rand(1, width, 1, 1) for number, width in enumerate(CHANNELS["alex"])
        },
    }
    monkeypatch.setattr("motionwarp.evaluation.pairs.network_metrics.FidInception", MeanColors)
    monkeypatch.setattr(FeatureWeights, "missing", lambda self, *names: None)
    monkeypatch.setattr(FeatureWeights, "read", lambda self, name: tensors[name])
    write_pairs(made.list_file, made.pairs[:3])
    exact = made.generated("exact", 0)
    summary = run(settings_of(made, generated=(str(exact),), families=("lpips", "sets")))
    metrics = {name: details["systems"] for name, details in summary["figures"].items()}
    assert metrics["lpips"]["exact"]["mean"] == 0 < metrics["lpips"]["copy"]["mean"]
    assert metrics["fid"]["exact"]["mean"] == pytest.approx(0, abs=1e-4)
    assert metrics["fid"]["copy"]["mean"] > 1e-3
    assert metrics["is"]["exact"] == {"mean": pytest.approx(1), "low": None, "high": None, "pairs": 3}


# the page
# --------------------------------------------------------------------------------------------------------------------


class Collector(HTMLParser):
    """Gathers tags, attributes and texts, and checks that tags are closed."""

    VOID = frozenset({"meta", "img", "input", "line", "circle", "rect", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


EVIL = "<img src=x onerror=alert(1)>&\"'_40.png"


def test_the_page_needs_nothing_else_and_names_cannot_break_it(made: MadePairs) -> None:
    write_picture(made.images / "plain_40.png", scene(40))
    try:
        (made.images / "plain_40.png").rename(made.images / EVIL)
    except OSError:
        pytest.skip("this file system does not take such names")
    made.list_file.write_text(
        f'from,to\n"{EVIL.replace(chr(34), chr(34) * 2)}",scene_60.png\nscene_60.png,scene_80.png\n', encoding="utf-8"
    )
    run(settings_of(made, annotations=made.annotations, generated=()))
    page = (made.folder / "report" / "index.html").read_text(encoding="utf-8")
    parsed = Collector()
    parsed.feed(page)
    assert parsed.open == []
    assert any(EVIL in text for text in parsed.texts)
    assert not any("onerror" in attributes for _, attributes in parsed.attributes)
    for tag, attributes in parsed.attributes:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert not re.search(r"https?://", page)
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script.group(1).encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page


def test_the_page_shows_worst_and_best(made: MadePairs) -> None:
    run(settings_of(made, generated=(str(made.generated("good", 4)),)), rows=4)
    page = (made.folder / "report" / "index.html").read_text(encoding="utf-8")
    ranks = [int(rank) for rank in re.findall(r"<b>(\d+) of 12</b>", page)]
    assert ranks == [1, 2, 11, 12]
    values = [float(row.split()[6]) for row in re.findall(r'data-values="([^"]+)"', page)]
    assert values == sorted(values)
    assert page.count('alt="target pose"') == 4


def test_formulas_do_not_reach_spreadsheets(made: MadePairs) -> None:
    write_picture(made.images / "=1+1_40.png", scene(40))
    made.list_file.write_text("from,to\n=1+1_40.png,scene_60.png\n", encoding="utf-8")
    run(settings_of(made))
    assert "\n'=1+1_40.png," in (made.folder / "report" / "pairs.csv").read_text(encoding="utf-8")


def test_published_figures_stand_beside_lists_of_their_data(made: MadePairs) -> None:
    table = {
        (row.system, row.dataset): row.metrics for row in published_results() if "Warping-GAN, NeurIPS" in row.source
    }
    assert table["Soft-Gated Warping-GAN", "deepfashion"] == {"ssim": 0.793, "is": 3.314}
    assert table["PG2", "market1501"] == {"ssim": 0.253, "is": 3.460}
    assert dataset_of([f"000{number}_c1s1_00045{number}_03.jpg" for number in range(1, 5)]) == "market1501"
    assert dataset_of(["scene_40.png"]) is None
    name = "fashionMENDenimid0000008001_1front.png"
    write_picture(made.images / name, scene(40))
    made.list_file.write_text(f"from,to\n{name},scene_60.png\n", encoding="utf-8")
    summary = run(settings_of(made))
    assert summary["dataset"] == "deepfashion"
    assert {row["dataset"] for row in summary["published"]} == {"deepfashion"}
    assert "RATE-Net, Table 1" in (made.folder / "report" / "index.html").read_text(encoding="utf-8")


def test_wrong_choices_are_refused(made: MadePairs) -> None:
    assert parse_families("all") == FAMILIES
    assert parse_families("pose, pictures") == ("pictures", "pose")
    for wrong in ("ssim", "", "pictures,nothing"):
        with pytest.raises(OptionError):
            parse_families(wrong)
    with pytest.raises(OptionError, match="nothing to compare"):
        PairsRun(settings_of(made, engines=()))
    with pytest.raises(OptionError, match="two systems are called 'copy'"):
        PairsRun(settings_of(made, engines=("copy", "copy")))
    with pytest.raises(OptionError, match="no such engine"):
        PairsRun(settings_of(made, engines=("nonsense",)))
    with pytest.raises(OptionError, match="jobs=0"):
        settings_of(made, jobs=0)
