"""A page of one file: templates, data and a policy that lets nothing else in."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

__all__ = ["render_page"]

_SCRIPTS = ("data.js", "numbers.js", "bars.js", "rows.js", "scatter.js", "view.js", "page.js")


def render_page(data: Mapping[str, Any], *, title: str, statements: list[tuple[str, str]]) -> str:
    """Write the page.

    Parameters
    ----------
    data : mapping
        What `report_data` collected.
    title : str
        Heading and title, any text.
    statements : list of (str, str)
        Subjects and sentences about the numbers, any text.

    Returns
    -------
    page : str
        HTML. Its policy admits its own style and script by their hashes and no request at all.
    """
    style = _template("report.css")
    script = "\n".join(['"use strict";', "(() => {", *map(_template, _SCRIPTS), "})();"])
    policy = (
        f"default-src 'none'; script-src '{_hash_of(script)}'; style-src '{_hash_of(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": escape(title),
        "style": style,
        "statements": "\n".join(
            f"<dt>{escape(subject)}</dt><dd>{escape(sentence)}</dd>"
            for subject, sentence in statements
        ),
        "data": _json_for_html(data),
        "script": script,
    }
    # In one pass: braces in a title or a cell are not markers.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _template("report.html"))


def _template(name: str) -> str:
    folder = files("sklearn_metaexplain.inspection").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _json_for_html(data: Mapping[str, Any]) -> str:
    """JSON that ends no script element and opens no comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
