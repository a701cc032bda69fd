"""The pages of reports and studies in an installed Chromium, without network, as people use them."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motionwarp.data.protocols import PairNames, write_pairs
from motionwarp.evaluation.options import PairsSettings, StudySettings
from motionwarp.evaluation.pairs.report import write_report
from motionwarp.evaluation.pairs.run import PairsRun
from motionwarp.evaluation.study.make import make_study
from motionwarp.evaluation.study.results import study_summary
from motionwarp.live.run import live
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


def silent(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is in the extra 'browser'")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Watched:
    """A tab that writes down what it asks for and what goes wrong in it."""

    def __init__(self, browser: Any) -> None:
        self.context = browser.new_context(accept_downloads=True)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.problems.append(dialog.message), dialog.dismiss()))

    def foreign(self, own: Path) -> list[str]:
        """Return what was asked for besides the page itself and what is inside it."""
        return [url for url in self.requests if not url.startswith(("data:", "blob:", own.as_uri()))]


@pytest.fixture
def tab(browser: Any) -> Iterator[Watched]:
    watched = Watched(browser)
    yield watched
    watched.context.close()


def picture(level: int) -> np.ndarray:
    rows, columns = np.mgrid[:64, :48]
    return np.clip(np.stack([rows * 3, columns * 4, np.full_like(rows, level)], axis=2), 0, 255).astype(np.uint8)


def test_a_report_opens_from_disk_and_sorts(tab: Watched, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    names = ["a<b>&'\".png", "b.png", "c.png", "d.png"]
    for number, name in enumerate(names):
        cv2.imwrite(str(tmp_path / "images" / name), picture(40 + 30 * number * number // 4))
    write_pairs(tmp_path / "pairs.csv", [PairNames(names[0], name) for name in names[1:]])
    settings = PairsSettings(
        pairs=tmp_path / "pairs.csv",
        images=tmp_path / "images",
        report=tmp_path / "report",
        engines=("copy",),
        families=("pictures",),
        with_points=False,
    )
    write_report(PairsRun(settings).run(silent), {}, rows=10)
    address = tmp_path / "report" / "index.html"
    tab.page.goto(address.as_uri())

    def shown() -> list[str]:
        return [text.split(" → ")[1] for text in tab.page.locator(".pair h3").all_inner_texts()]

    assert shown() == ["d.png", "c.png", "b.png"]
    tab.page.select_option("#direction", "best")
    assert shown() == ["b.png", "c.png", "d.png"]
    assert names[0] in tab.page.locator(".pair h3").first.inner_text()
    before = tab.page.locator("#pairs img").first.bounding_box()["height"]
    tab.page.locator("#size").fill("64")
    assert tab.page.locator("#pairs img").first.bounding_box()["height"] == 64 < before
    broken = tab.page.evaluate("Array.from(document.images).filter((each) => each.naturalWidth === 0).length")
    assert broken == 0
    assert tab.foreign(address) == []
    assert tab.problems == []


def test_a_study_goes_on_where_it_stopped_and_saves_answers(tab: Watched, tmp_path: Path) -> None:
    for system, level in (("dark", 20), ("light", 220)):
        (tmp_path / system).mkdir()
        for number in range(3):
            cv2.imwrite(str(tmp_path / system / f"{number}.png"), picture(level + number))
    study = make_study(StudySettings(tmp_path / "dark", tmp_path / "light", tmp_path / "study", checks=2), silent)
    page = tab.page
    page.goto(study.page.as_uri())
    page.click("#begin")
    page.keyboard.press("ArrowLeft")
    page.click("#right")
    assert page.inner_text("#place") == "3 of 5"
    page.keyboard.press("Backspace")
    assert page.inner_text("#place") == "2 of 5"
    page.reload()
    assert page.inner_text("#begin") == "Go on"
    page.click("#begin")
    assert page.inner_text("#place") == "2 of 5"
    # from here on the dark picture, and in checks the smooth one, as a participant with eyes would
    for _ in range(4):
        page.keyboard.press(better_side(page))
    assert page.inner_text("#place") == "5 of 5"
    with page.expect_download() as download:
        page.click("#save")
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    content = json.loads(saved.read_text(encoding="utf-8"))
    assert len(content["answers"]) == 5
    assert all(answer["milliseconds"] >= 0 for answer in content["answers"])
    summary = study_summary([study.key, saved], allowed_failures=1)
    assert summary["votes"] == 3
    assert summary["first_preferred"] >= 2
    assert tab.foreign(study.page) == []
    assert tab.problems == []


def better_side(page: Any) -> str:
    """Return the key of the picture that is smooth and dark: few large steps between neighbors, little blue."""
    script = """(id) => {
        const image = document.getElementById(id), canvas = document.createElement("canvas");
        canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
        let cost = 0;
        for (let place = 4; place < data.length; place += 4) {
            const step = Math.abs(data[place + 1] - data[place - 3]);
            cost += data[place] / 8 + (step > 8 ? step : 0);
        }
        return cost;
    }"""
    page.wait_for_function(
        "document.getElementById('left-picture').complete && document.getElementById('right-picture').complete"
    )
    left, right = (page.evaluate(script, f"{side}-picture") for side in ("left", "right"))
    return "ArrowLeft" if left < right else "ArrowRight"


def test_a_live_page_shows_a_moving_picture_and_asks_nobody_else(
    tab: Watched, repository_root: Path, tmp_path: Path
) -> None:
    examples = repository_root / "examples"
    # long enough for a browser on a busy machine
    with open_video(examples / "dance.mp4") as reader:
        frames = [cv2.resize(frame.rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for frame in reader]
    height, width = frames[0].shape[:2]
    with open_writer(tmp_path / "long.mp4", width=width, height=height, frame_rate=Fraction(25)) as writer:
        for number in range(6 * len(frames)):
            writer.write(frames[number % len(frames)], number / 25)
    seen: list[np.ndarray] = []
    places: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    def run() -> None:
        live(
            examples / "person.jpg", camera=str(tmp_path / "long.mp4"), size=256, device="cpu", stop=stop,
            on_ready=lambda place: (places.append(place), ready.set()),
        )  # fmt: skip

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(120)
    tab.page.goto(places[0])
    for _ in range(3):
        tab.page.wait_for_timeout(700)
        shot = cv2.imdecode(np.frombuffer(tab.page.locator("#picture").screenshot(), np.uint8), cv2.IMREAD_COLOR)
        seen.append(shot.astype(int))
    told = tab.page.locator("#told").inner_text()
    problems = list(tab.problems)  # those of the end itself, when the stream breaks off, are none
    stop.set()
    thread.join(60)
    assert tab.page.evaluate("document.getElementById('picture').naturalWidth") in (192, 256)
    assert np.abs(seen[0] - seen[-1]).mean() > 0.3
    assert told.startswith("synthetic picture")
    assert all(url.startswith(places[0]) for url in tab.requests)
    assert not [problem for problem in problems if "favicon" not in problem and "404" not in problem]
