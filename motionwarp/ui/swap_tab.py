"""The tab that dresses the person of the photo in another photo's clothes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from motionwarp.engines.registry import swapper_choices
from motionwarp.errors import InputError
from motionwarp.pipeline.swap_options import SwapOptions
from motionwarp.ui import markup
from motionwarp.ui.desk import Desk, Inputs, Visitor, as_it_is, begin, buttons, switched
from motionwarp.ui.jobs import Job, JobState
from motionwarp.ui.work import SwapWork

_WHAT = [("All", "all"), ("Above the waist", "upper"), ("Below the waist", "lower")]


def build(desk: Desk, inputs: Inputs) -> None:
    """Add the tab to the page that is built."""
    import gradio as gr

    engines = list(swapper_choices())
    with gr.Row():
        with gr.Column(scale=1, min_width=280):
            clothes = gr.Image(
                label="Photo of somebody in the clothes", type="filepath", image_mode=None, height=300,
                sources=["upload", "clipboard", "webcam"], elem_id="mw-clothes", buttons=["fullscreen"],
            )  # fmt: skip
            clothes.preprocess = as_it_is
            what = gr.Dropdown(_WHAT, value="all", label="Which clothes", elem_id="mw-swap-what")
            engine = gr.Dropdown(engines, value=SwapOptions().engine, label="Engine", visible=len(engines) > 1)
            turning = gr.Checkbox(value=False, label="As a clip that turns once", elem_id="mw-swap-turning")
            start, stop = buttons("Change the clothes", "swap")
            progress = gr.HTML(elem_id="mw-swap-progress")
        with gr.Column(scale=2, min_width=280):
            result = gr.HTML(elem_id="mw-swap-result")
            download = gr.DownloadButton("Download", visible=False, elem_id="mw-swap-download")
    start.click(
        desk.handler(partial(_make, desk)),
        [inputs.photo, clothes, what, engine, turning],
        [progress, result, download, start, stop],
        show_progress="hidden", trigger_mode="multiple", concurrency_limit=None, api_visibility="private",
    )  # fmt: skip
    stop.click(desk.cancel("swap"), None, None, show_progress="hidden", api_visibility="private")


def _make(desk: Desk, visitor: Visitor, photo: str | None, clothes: str | None, *values: Any) -> Iterator[Any]:
    import gradio as gr

    for view in begin(desk, visitor, "swap", partial(_submit, desk, visitor, photo, clothes, *values)):
        if isinstance(view, str):
            yield view, gr.skip(), gr.skip(), *switched(running=False)
        elif view.state is JobState.DONE:
            made = view.value
            clips = [
                markup.Clip(desk.photo(visitor, photo), "The person"),
                markup.Clip(desk.photo(visitor, clothes), "The clothes"),
                markup.Clip(made.output, f"Dressed by {made.engine} in {markup.clock(made.seconds)}"),
            ]
            shown = markup.clips_side_by_side(clips) + markup.listed(made.warnings, "What to know")
            yield "", shown, gr.update(value=str(made.output), visible=True), *switched(running=False)
        elif view.over:
            yield markup.progress(view), "", gr.update(visible=False), *switched(running=False)
        else:
            yield markup.progress(view), gr.skip(), gr.skip(), *switched(running=True)


def _submit(desk: Desk, visitor: Visitor, photo: str | None, clothes: str | None, *values: Any) -> Job:
    what, engine, turning = values
    if not clothes:
        raise InputError("a photo of the clothes is needed", remedy="Add it in this tab")
    person, dressed = desk.photo(visitor, photo), desk.sessions.own(visitor.key, clothes)
    folder = visitor.tab.new_folder("swap")
    output = folder / f"{person.stem}_{dressed.stem}.{'mp4' if turning else 'png'}"
    work = SwapWork(person, dressed, output, SwapOptions(what=what, engine=engine))
    return desk.submit(visitor, "swap", work, folder)
