"""Pages that need nothing but themselves.

Style, script, data and pictures inside, and a policy that lets them load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from typing import Any, Final

# "</script>" inside a string would end the script, and "<!--" begin a comment
_JSON_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def standalone_page(title: str, body: str, *, package: str, style: str, script: str, data: Any = None) -> str:
    """Return a page as HTML.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML; the caller has escaped what is not its own.
    package : str
        Package with the files of style and script.
    style, script : str
        Their names.
    data : anything that JSON takes, optional
        For the script, in the element `data`.
    """
    style_text, script_text = (files(package).joinpath(name).read_text(encoding="utf-8") for name in (style, script))
    digest = base64.b64encode(hashlib.sha256(script_text.encode()).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    block = (
        ""
        if data is None
        else f'<script type="application/json" id="data">{json.dumps(data).translate(_JSON_ESCAPES)}</script>\n'
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{style_text}</style>\n</head>\n"
        f"<body>\n{body}\n{block}<script>{script_text}</script>\n</body>\n</html>\n"
    )
