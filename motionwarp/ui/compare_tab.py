"""The tab that shows two engines beside each other."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from motionwarp.engines.registry import engine_choices, find_spec
from motionwarp.errors import InputError
from motionwarp.ui import markup
from motionwarp.ui.desk import Chosen, Desk, Inputs, Visitor, begin, buttons, driver_clips, switched
from motionwarp.ui.form import SIZES, TransferForm, engine_labels
from motionwarp.ui.jobs import Job, JobState
from motionwarp.ui.work import CompareWork

_INPUTS = 4  # fields on top of the page, before those of the tab


def build(desk: Desk, inputs: Inputs) -> None:
    """Add the tab to the page that is built."""
    import gradio as gr

    own = find_spec("auto").name
    other = next((name for name in engine_choices() if name not in ("auto", own)), own)
    with gr.Row():
        labels = [(label, name) for label, name in engine_labels() if name != "auto"]
        first = gr.Dropdown(labels, value=own, label="Engine A", elem_id="mw-compare-a", min_width=200)
        second = gr.Dropdown(labels, value=other, label="Engine B", elem_id="mw-compare-b", min_width=200)
        end = gr.Textbox(label="End at", placeholder="the clip's end", min_width=80)
        size = gr.Dropdown(list(SIZES), value="512", label="Long side in pixels", min_width=120)
    start, stop = buttons("Compare", "compare")
    progress = gr.HTML(elem_id="mw-compare-progress")
    result = gr.HTML(elem_id="mw-compare-result")
    with gr.Row():
        downloads = [gr.DownloadButton(visible=False, elem_id=f"mw-compare-download-{side}") for side in "ab"]
    start.click(
        desk.handler(partial(_make, desk)),
        [*inputs.fields, first, second, end, size],
        [progress, result, *downloads, start, stop],
        show_progress="hidden", trigger_mode="multiple", concurrency_limit=None, api_visibility="private",
    )  # fmt: skip
    stop.click(desk.cancel("compare"), None, None, show_progress="hidden", api_visibility="private")


def _make(desk: Desk, visitor: Visitor, *values: Any) -> Iterator[Any]:
    import gradio as gr

    hidden, same = gr.update(visible=False), gr.skip()
    for view in begin(desk, visitor, "compare", partial(_submit, desk, visitor, *values)):
        if isinstance(view, str):
            yield view, same, same, same, *switched(running=False)
        elif view.state is JobState.DONE:
            clips = driver_clips(desk.inputs(visitor, Chosen(*values[:_INPUTS]))[1])
            clips += [
                markup.Clip(made.output, f"{side}: {made.engine}, {markup.clock(made.seconds)}", sound=side == "A")
                for side, made in zip("AB", view.value, strict=True)
            ]
            files = [
                gr.update(value=str(made.output), label=f"Download {made.engine}", visible=True) for made in view.value
            ]
            yield "", markup.clips_side_by_side(clips), *files, *switched(running=False)
        elif view.over:
            yield markup.progress(view), "", hidden, hidden, *switched(running=False)
        else:
            yield markup.progress(view), same, same, same, *switched(running=True)


def _submit(desk: Desk, visitor: Visitor, *values: Any) -> Job:
    first, second, end, size = values[_INPUTS:]
    source, driving = desk.inputs(visitor, Chosen(*values[:_INPUTS]))
    if first == second:
        raise InputError("both engines are the same", remedy="Choose two")
    folder = visitor.tab.new_folder("compare")
    outputs = {name: folder / f"{source.stem}_{driving.stem}_{name}.mp4" for name in (first, second)}
    work = CompareWork(source, driving, outputs, TransferForm(end=end, size=size).options())
    return desk.submit(visitor, "compare", work, folder)
