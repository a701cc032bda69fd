"""The page of `motionwarp ui` in an installed Chromium: from a photo to a downloaded clip, and what can go wrong."""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from motionwarp.media.audio import AudioSource
from motionwarp.media.image import read_image, write_image
from motionwarp.media.reader import open_video
from motionwarp.media.writer import open_writer
from motionwarp.pipeline.layout import resized
from motionwarp.ui.markup import in_space
from motionwarp.ui.options import UiOptions

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
# a clip takes seconds on an idle machine
PATIENCE_SECONDS = 300
FRAMES, RATE = 8, 5
# where pictures of the page go, for people to look at; none without the variable
PICTURES = os.environ.get("MOTIONWARP_UI_PICTURES")


@pytest.fixture(scope="module")
def media(repository_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small photo, and a short clip with sound, of the examples."""
    folder = tmp_path_factory.mktemp("media")
    photo = read_image(repository_root / "examples" / "person.jpg").rgb
    write_image(folder / "alice.jpg", resized(photo, 240, 320))
    # the same figure in clothes of other colors
    write_image(folder / "bob.jpg", resized(photo, 240, 320)[..., [1, 2, 0]].copy())
    dance = repository_root / "examples" / "dance.mp4"
    with (
        open_video(dance, end_seconds=FRAMES / RATE) as frames,
        open_writer(
            folder / "jig.mp4", width=180, height=320, frame_rate=Fraction(RATE),
            audio=AudioSource(dance, 0.0, FRAMES / RATE),
        ) as clip,
    ):  # fmt: skip
        for frame in frames:
            if frame.index % 5 == 0:
                clip.write(resized(frame.rgb, 180, 320), frame.index / 25)
    with (
        open_video(dance, end_seconds=FRAMES / RATE) as frames,
        open_writer(folder / "two.mp4", width=360, height=320, frame_rate=Fraction(RATE)) as clip,
    ):
        for frame in frames:
            if frame.index % 5 == 0:
                one = resized(frame.rgb, 180, 320)
                clip.write(np.hstack([one, one[:, ::-1]]), frame.index / 25)
    (folder / "broken.jpg").write_text("This is no picture.")
    (folder / "broken.mp4").write_bytes(b"\0" * 5000)
    return folder


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    pytest.importorskip("gradio", reason="gradio is in the extra 'ui'")
    from motionwarp.ui.server import serving

    with serving(UiOptions(browser=False, max_upload=20)) as page:
        yield page
    assert not page.sessions.root.exists()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is in the extra 'browser'")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield opened
        opened.close()


class Visit:
    """A browser of its own with the page open; it writes down what is asked for and what goes wrong."""

    def __init__(self, browser: Any, address: str, width: int = 1280) -> None:
        self.address = address
        self.context = browser.new_context(accept_downloads=True, viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(1000 * PATIENCE_SECONDS)
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        self.page.goto(address)
        self.page.wait_for_selector("#mw-photo input[type=file]", state="attached")

    def put_in(self, photo: Path, clip: Path | None = None) -> None:
        self.page.set_input_files("#mw-photo input[type=file]", str(photo))
        if clip is not None:
            self.page.set_input_files("#mw-clip input[type=file]", str(clip))
            self.page.wait_for_selector("#mw-clip video")
        self.page.wait_for_selector("#mw-photo img")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()

    def download(self, button: str, folder: Path) -> Path:
        with self.page.expect_download() as download:
            self.page.click(button)
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def foreign(self) -> list[str]:
        return [url for url in self.requests if not url.startswith((self.address, "data:", "blob:"))]

    def picture(self, name: str) -> None:
        if PICTURES:
            self.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def visit(browser: Any, served: Any) -> Iterator[Callable[..., Visit]]:
    opened: list[Visit] = []

    def open_page(**how: Any) -> Visit:
        opened.append(Visit(browser, served.address, **how))
        return opened[-1]

    yield open_page
    for each in opened:
        each.close()


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return holds()


def made_files(served: Any) -> list[Path]:
    # folders may go while they are walked through, which os.walk passes over
    return [Path(folder) / name for folder, _, names in os.walk(served.sessions.root) for name in names]


def test_from_a_photo_to_a_downloaded_clip(visit: Callable[..., Visit], media: Path, tmp_path: Path) -> None:
    one = visit()
    page = one.page
    assert "Add a photo" in page.inner_text("#mw-verdict")
    one.put_in(media / "alice.jpg", media / "jig.mp4")
    page.wait_for_selector("[data-verdict]")
    assert page.get_attribute("[data-verdict]", "data-verdict") in ("good", "fair")
    assert f"{FRAMES} frames of 240x320" in page.inner_text("#mw-verdict")
    page.wait_for_selector("#mw-preview img")
    one.picture("verdict")
    page.click("#mw-transfer-start")
    page.wait_for_selector(".mw-progress")
    one.picture("progress")
    page.wait_for_selector("#mw-transfer-result video")
    assert eventually(
        lambda: page.evaluate("[...document.querySelectorAll('.mw-clips video')].every((each) => each.readyState > 1)")
    )
    driver, result = page.evaluate(
        "[...document.querySelectorAll('.mw-clips video')].map((each) => [each.duration, each.muted])"
    )
    assert result[0] == pytest.approx(FRAMES / RATE, abs=0.1)
    assert (driver[1], result[1]) == (True, False)
    page.click(".mw-play")
    assert eventually(
        lambda: page.evaluate("[...document.querySelectorAll('.mw-clips video')].every((each) => each.currentTime > 0)")
    )
    one.picture("result")
    saved = one.download("#mw-transfer-download", tmp_path)
    assert saved.name == "alice_jig.mp4"
    with av.open(str(saved)) as clip:
        assert {stream.type for stream in clip.streams} == {"video", "audio"}
        assert clip.metadata["comment"].startswith("Synthetic video")
        assert sum(1 for _ in clip.decode(video=0)) == FRAMES
    assert one.foreign() == []
    assert one.problems == []


def test_each_dancer_moves_a_person_of_their_own(visit: Callable[..., Visit], media: Path, tmp_path: Path) -> None:
    one = visit()
    page = one.page
    one.put_in(media / "alice.jpg", media / "two.mp4")
    page.get_by_text("Several people in one clip").click()
    page.set_input_files("#mw-cast-photo-1 input[type=file]", str(media / "bob.jpg"))
    page.wait_for_selector("#mw-cast-photo-1 img")
    page.wait_for_selector("[data-verdict]")
    page.wait_for_selector("#mw-preview img")
    one.picture("several")
    page.click("#mw-transfer-start")
    page.wait_for_selector("#mw-transfer-result video")
    saved = one.download("#mw-transfer-download", tmp_path)
    with open_video(saved) as frames:
        rgb = next(iter(frames)).rgb.astype(int)
    first = rgb[len(rgb) // 2 :]
    # trousers of two colors, each in a half of its own
    colors = [(first[..., one] - first[..., other] > 40).sum(axis=0) for one, other in ((2, 0), (1, 2))]
    middles = [(counts * np.arange(len(counts))).sum() / counts.sum() for counts in colors]
    assert min(counts.sum() for counts in colors) > 200
    assert abs(middles[0] - middles[1]) > 0.3 * first.shape[1]
    assert one.problems == []


def test_a_bad_file_is_named_and_a_good_one_goes_on(visit: Callable[..., Visit], media: Path) -> None:
    one = visit()
    one.put_in(media / "broken.jpg", media / "jig.mp4")
    one.page.wait_for_selector("#mw-verdict .mw-bad")
    assert one.page.inner_text("#mw-verdict").startswith("Broken.jpg")
    one.page.click("#mw-transfer-start")
    one.page.wait_for_selector("#mw-transfer-progress .mw-bad")
    one.picture("bad")
    assert one.page.locator("#mw-transfer-result video").count() == 0
    one.page.click("#mw-photo button[aria-label='Remove Image'], #mw-photo button[aria-label='Clear']")
    one.put_in(media / "alice.jpg")
    one.page.wait_for_selector("[data-verdict]")


def test_a_cancel_ends_the_work(visit: Callable[..., Visit], served: Any, media: Path) -> None:
    one = visit()
    one.put_in(media / "alice.jpg", media / "jig.mp4")
    one.page.wait_for_selector("#mw-transfer-start:not([disabled])")
    one.page.click("#mw-transfer-start")
    one.page.wait_for_selector("#mw-transfer-cancel:not([disabled])")
    (tab,) = [tab for tab in served.sessions._tabs.values() if "transfer" in tab.jobs]
    job = tab.jobs["transfer"]
    assert eventually(lambda: job.view().step is not None)
    process = job._process
    assert process.is_alive()
    one.page.click("#mw-transfer-cancel")
    one.page.get_by_text("Canceled. Nothing of it was kept.").wait_for()
    assert job.wait(30)
    assert not process.is_alive()
    assert not job.folder.exists()
    one.picture("canceled")
    assert one.page.locator("#mw-transfer-start:not([disabled])").count() == 1
    one.close()
    assert eventually(lambda: made_files(served) == []), made_files(served)


def test_two_browsers_work_at_once_and_see_their_own_files_only(
    visit: Callable[..., Visit], served: Any, media: Path
) -> None:
    first, second = visit(), visit()
    for one in (first, second):
        one.put_in(media / "alice.jpg", media / "jig.mp4")
        one.page.wait_for_selector("#mw-transfer-start:not([disabled])")
        one.page.click("#mw-transfer-start")
    second.page.wait_for_selector(".mw-progress")
    results = []
    for one in (first, second):
        one.page.wait_for_selector("#mw-transfer-result video")
        results.append(
            one.page.eval_on_selector_all("#mw-transfer-result video", "(all) => all.map((each) => each.src)")
        )
    (_, mine), (_, theirs) = results
    assert mine != theirs
    # 206 is a part of a clip, which the player has asked for before
    asked = "(url) => fetch(url, {cache: 'no-store'}).then((answer) => answer.status === 206 ? 200 : answer.status)"
    assert first.page.evaluate(asked, mine) == 200
    assert second.page.evaluate(asked, mine) == 403
    assert first.page.evaluate(asked, theirs) == 403
    # nor can it be named in a message, as the page's own program would
    message = (
        "(url) => fetch('gradio_api/queue/join', {method: 'POST', headers: {'content-type': 'application/json'},"
        " body: JSON.stringify({fn_index: 0, session_hash: 'x', data: [{path: url.split('file=')[1]}]})})"
        ".then((answer) => answer.status)"
    )
    assert second.page.evaluate(message, mine) == 403
    first.close()
    gone = re.sub(r".*file=", "", mine)
    assert eventually(lambda: not Path(gone).exists())
    assert second.page.evaluate(asked, theirs) == 200


def test_an_avatar_turns_and_is_downloaded(visit: Callable[..., Visit], media: Path, tmp_path: Path) -> None:
    one = visit()
    one.put_in(media / "alice.jpg")
    one.tab("Avatar")
    one.page.locator("#mw-avatar-seconds input[type=number]").fill("1")
    one.page.click("#mw-avatar-start")
    one.page.wait_for_selector("#mw-avatar-result video")
    one.picture("avatar")
    model = one.download("#mw-avatar-glb", tmp_path)
    assert (model.name, model.read_bytes()[:4]) == ("alice.glb", b"glTF")
    assert one.download("#mw-avatar-file", tmp_path).name == "alice.safetensors"
    with av.open(str(one.download("#mw-avatar-turntable", tmp_path))) as clip:
        assert sum(1 for _ in clip.decode(video=0)) == 25
    assert one.foreign() == []
    assert one.problems == []


def figure_in(page: Any) -> Any:
    """Where the view in 3D shows the avatar: pixels that are far from the gray behind it, bool (H, W)."""
    shown = cv2.imdecode(np.frombuffer(page.locator(".mw-space canvas").screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return np.ptp(shown.astype(int), axis=2) > 30


def test_an_avatar_is_turned_in_space(visit: Callable[..., Visit], media: Path) -> None:
    one = visit()
    page = one.page
    one.put_in(media / "alice.jpg")
    one.tab("Avatar")
    page.locator("#mw-avatar-seconds input[type=number]").fill("1")
    page.click("#mw-avatar-start")
    page.wait_for_selector("#mw-avatar-model [data-state=shown]")
    page.wait_for_selector("#mw-avatar-result video")
    front = figure_in(page)
    rows, columns = np.nonzero(front)
    height, width = front.shape
    # the whole figure, upright, in the middle; its shoes are as gray as what is behind
    assert 0 < rows.min() < 0.15 * height
    assert 0.75 * height < rows.max() < height - 1
    assert abs(columns.mean() - width / 2) < 0.05 * width
    assert np.ptp(columns) < np.ptp(rows)
    page.locator(".mw-space canvas").hover()
    page.mouse.down()
    place = page.locator(".mw-space canvas").bounding_box()
    page.mouse.move(place["x"] + 0.7 * place["width"], place["y"] + 0.6 * place["height"])
    page.mouse.up()
    assert eventually(lambda: (figure_in(page) != front).mean() > 0.01)
    one.picture("avatar-turned")
    page.locator(".mw-space canvas").dblclick()
    assert eventually(lambda: (figure_in(page) == front).all())
    page.mouse.wheel(0, -300)
    assert eventually(lambda: figure_in(page).sum() > 1.1 * front.sum())
    assert one.foreign() == []
    assert one.problems == []


def test_a_model_that_cannot_be_shown_is_told(visit: Callable[..., Visit]) -> None:
    one = visit()
    one.page.evaluate(
        "(html) => document.body.insertAdjacentHTML('beforeend', html)",
        in_space(Path("/nobody/has.glb")),
    )
    one.page.wait_for_selector(".mw-space[data-state=failed]")
    assert "cannot be shown in 3D here: the model was not given (403)" in one.page.inner_text(".mw-space p")


def test_clothes_are_changed(visit: Callable[..., Visit], media: Path, tmp_path: Path) -> None:
    one = visit()
    page = one.page
    one.put_in(media / "alice.jpg")
    one.tab("Clothes")
    page.set_input_files("#mw-clothes input[type=file]", str(media / "bob.jpg"))
    page.wait_for_selector("#mw-clothes img")
    page.click("#mw-swap-start")
    page.wait_for_selector("#mw-swap-result figure:nth-of-type(3)")
    one.picture("clothes")
    dressed = read_image(one.download("#mw-swap-download", tmp_path)).rgb.astype(int)
    before = read_image(media / "alice.jpg").rgb.astype(int)
    assert dressed.shape == before.shape
    # trousers were blue, and are of the other photo's color now; what is around the person stays
    legs = before[..., 2] - before[..., 0] > 40
    legs[:150], legs[:, :70], legs[:, 170:] = False, False, False  # the sky is blue, too
    assert legs.sum() > 2000
    assert (dressed[legs][:, 2] < dressed[legs][:, 1]).mean() > 0.7
    assert np.abs(dressed[:15] - before[:15]).mean() < 3
    assert one.problems == []


def test_two_engines_are_compared(visit: Callable[..., Visit], media: Path, tmp_path: Path) -> None:
    one = visit()
    one.put_in(media / "alice.jpg", media / "jig.mp4")
    one.tab("Compare engines")
    one.page.click("#mw-compare-start")
    one.page.wait_for_selector("#mw-compare-result video")
    captions = one.page.locator("#mw-compare-result figcaption").all_inner_texts()
    assert [caption.split(",")[0] for caption in captions] == ["The driver", "A: warping_gan", "B: avatar"]
    one.picture("compare")
    assert one.download("#mw-compare-download-b", tmp_path).name == "alice_jig_avatar.mp4"


def test_a_data_set_is_stopped_resumed_and_downloaded(visit: Callable[..., Visit], media: Path, tmp_path: Path) -> None:
    one = visit()
    page = one.page
    one.tab("Data sets")
    page.set_input_files("#mw-set-people input[type=file]", str(media / "alice.jpg"))
    page.set_input_files("#mw-set-motions input[type=file]", str(media / "jig.mp4"))
    page.wait_for_selector("#mw-set-motions .file-preview")
    page.fill("#mw-set-name input, #mw-set-name textarea", "small set")
    page.click("#mw-set-add")
    page.wait_for_selector("#mw-set-queue tr[data-state=running]")
    page.click("#mw-set-stop")
    page.wait_for_selector("#mw-set-queue tr[data-state=canceled]")
    page.click("#mw-set-resume")
    page.wait_for_selector("#mw-set-queue tr[data-state=done]")
    assert "1 of 1 clips, 0 failed" in page.inner_text("#mw-set-queue")
    one.picture("datasets")
    page.click("#mw-set-pack")
    page.wait_for_selector("#mw-set-download")
    packed = one.download("#mw-set-download", tmp_path)
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert "small-set/README.md" in names
    assert any(name.endswith(".mp4") for name in names)


def test_nothing_is_cut_off_on_a_narrow_screen(visit: Callable[..., Visit], media: Path) -> None:
    one = visit(width=390)
    one.put_in(media / "alice.jpg", media / "jig.mp4")
    one.page.wait_for_selector("[data-verdict]")
    one.picture("narrow")
    wide, seen = one.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= seen
    for name in ("Avatar", "Clothes", "Compare engines", "Data sets"):
        one.page.evaluate("window.scrollTo(0, 0)")
        tab = one.page.get_by_role("tab", name=name)
        if not tab.is_visible():
            one.page.get_by_role("button", name="More tabs").or_(
                one.page.locator(".overflow-menu > button")
            ).first.click()
            one.page.get_by_role("button", name=name).click()
        else:
            tab.click()
        one.picture(f"narrow-{name.split()[0].lower()}")
        assert one.page.evaluate("document.documentElement.scrollWidth") <= seen


def test_strangers_and_large_files_are_refused(served: Any, media: Path) -> None:
    import httpx

    assert httpx.get(served.address, headers={"host": "evil.example"}).status_code == 403
    assert httpx.get(f"{served.address}gradio_api/file={media / 'alice.jpg'}").status_code == 403
    assert httpx.get(f"{served.address}gradio_api/file=http://example.org/").status_code == 403
    large = httpx.post(f"{served.address}gradio_api/upload", files={"files": ("large.mp4", b"\0" * 21_000_000)})
    assert large.status_code == 413
    headers = httpx.get(served.address).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "SameSite=Strict" in headers["set-cookie"]


def test_a_motion_of_the_library_needs_no_clip(visit: Callable[..., Visit], media: Path) -> None:
    one = visit()
    page = one.page
    one.put_in(media / "alice.jpg")
    page.get_by_text("A motion of the library, or another file").click()
    page.click("#mw-motion input")
    page.fill("#mw-motion input", "nod")
    page.get_by_role("option", name="nod", exact=True).click()
    page.wait_for_selector("[data-verdict]")
    page.wait_for_selector("#mw-preview img")
    one.picture("motion")
    assert one.problems == []
