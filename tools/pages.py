# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what of the documentation is made from something else: the page of the error codes, and the pictures.

A unit test fails when what is checked in is not what this tool writes: `python tools/pages.py` brings it up to date.
"""

from __future__ import annotations

import ast
import html
import re
import textwrap
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "plugins"
ERRORS = ROOT / "docs" / "errors.yml"
GUIDES = ROOT / "docs" / "docsite" / "rst"
IMAGES = GUIDES / "images"
# REUSE-IgnoreStart
LICENSE = (
    "Copyright (c) 2026 The community.immuta contributors",
    "GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "SPDX-License-Identifier: GPL-3.0-or-later",
)
# REUSE-IgnoreEnd
MADE = "Made by tools/pages.py. Change its source, {}, and run the tool."

# The error codes


def codes() -> set[str]:
    """All words that the field C(failure.code) of a result can have, as the code of the collection has them."""
    found: set[str] = set()
    for path in PLUGINS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found.update(value.value for value in _values(node) if isinstance(value.value, str))
    return found


def _values(node: ast.AST) -> t.Iterator[ast.Constant]:
    """The constants that are a code: of a class, of an argument, or the default of one."""
    given: list[tuple[str, ast.AST | None]] = []
    if isinstance(node, ast.ClassDef):
        for one in node.body:
            if isinstance(one, ast.Assign):
                given += [(target.id, one.value) for target in one.targets if isinstance(target, ast.Name)]
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                given.append((one.target.id, one.value))
    elif isinstance(node, ast.Call):
        given += [(keyword.arg or "", keyword.value) for keyword in node.keywords]
    elif isinstance(node, ast.FunctionDef):
        arguments = node.args
        given += [(one.arg, value) for one, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    yield from (value for name, value in given if name == "code" and isinstance(value, ast.Constant))


def errors_page(groups: list[dict[str, t.Any]], advice: dict[str, str]) -> str:
    """The page of the error codes.

    :param groups: the content of docs/errors.yml
    :param advice: what the role says to do, by code; for any other code it is in the group
    """
    lines = [
        "..",
        *(f"  {line}" for line in (*LICENSE, "", MADE.format("docs/errors.yml"))),
        "",
        ".. _ansible_collections.community.immuta.docsite.guide_errors:",
        "",
        *_heading("Troubleshooting by error code", "="),
        *_wrapped(
            "When a module of this collection fails, its result has the field ``failure`` with a ``code`` that does not change"
            " between versions. Ansible prints it with the failed task, and the role's report has it, too. Search this page for"
            " it. For how to read a failed run, and for stuck statements, see"
            f" {_link('guide_troubleshooting', 'troubleshooting')}."
        ),
        "",
        *_wrapped('In the advice, "above" refers to the error message, which the role prints above it.'),
    ]
    for group in groups:
        lines += ["", *_heading(group["title"], "-")]
        for code, about in sorted(group["codes"].items()):
            lines += ["", *_heading(code, "^"), *_wrapped(about["meaning"]), ""]
            lines += [*_wrapped(f"**Cause:** {about['cause']}"), ""]
            lines += _wrapped(f"**What to do:** {about.get('remedy') or advice[code]}")
    return "\n".join(lines) + "\n"


def _heading(title: str, line: str) -> list[str]:
    return [title, line * len(title), ""]


def _wrapped(text: str) -> list[str]:
    # The names of options are code.
    marked = re.sub(r"(?<![`\w])(immuta_deregister_\w+(?:=\w+)?)", r"``\1``", " ".join(text.split()))
    return textwrap.wrap(marked, 120, break_long_words=False, break_on_hyphens=False)


def _link(page: str, text: str) -> str:
    return f"`{text} <https://github.com/ansible-collections/community.immuta/blob/main/docs/docsite/rst/{page}.rst>`__"


def groups() -> list[dict[str, t.Any]]:
    """The reviewed texts."""
    return list(yaml.safe_load(ERRORS.read_text("utf-8")))


def advice() -> dict[str, str]:
    """What the role says to do, by code. Imported here, since most of this tool needs no Ansible."""
    from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import stops

    return dict(stops.ADVICE)


# The pictures

LANE, MARGIN, STEP, LINE = 235, 20, 20, 17
WIDTH_OF_LETTER = 7.2
STYLE = """
svg { background: #ffffff; font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
text { fill: #1f2328; text-anchor: middle; }
.label { stroke: #ffffff; stroke-width: 4; paint-order: stroke; } .head { font-weight: 600; } .bar { fill: #b35900; font-weight: 600; }
.lane { stroke: #8c959f; stroke-dasharray: 2 4; } .arrow { stroke: #0969da; stroke-width: 1.5; } .tip { fill: #0969da; }
.box { fill: #eef4fb; stroke: #0969da; } .name { fill: #f6f8fa; stroke: #8c959f; } .line { stroke: #b35900; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } text { fill: #e6edf3; } .label { stroke: #0d1117; } .box { fill: #12233a; stroke: #4493f8; } .name { fill: #21262d; }
.arrow { stroke: #4493f8; } .tip { fill: #4493f8; } .bar { fill: #f0a050; } .line { stroke: #f0a050; }
}
""".strip()


class Picture:
    """A sequence of events as SVG, from lines of text.

    :param source: C(title:) and C(lanes:), then a line for each event: C(A -> B: text), C(A: text), or C(== text)
    """

    def __init__(self, source: str) -> None:
        lines = [line for line in source.splitlines() if line and not line.startswith("#")]
        self.title = lines[0].removeprefix("title: ")
        self.lanes = lines[1].removeprefix("lanes: ").split(" | ")
        self.events = lines[2:]
        self.width = 2 * MARGIN + LANE * len(self.lanes)
        self.y = 75.0
        self.parts: list[str] = []

    def svg(self) -> str:
        """The whole file."""
        for event in self.events:
            self._draw(event)
        lanes = [self._lane(name) for name in self.lanes]
        label = f"{self.title}: {'; '.join(self.events)}"
        height = self.y + 10
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {height:.0f}" width="{self.width}"'
                f' height="{height:.0f}" role="img">',
                "<!--",
                *(line.replace("--", "- -") for line in LICENSE),
                MADE.format("the text file of the same name"),
                "-->",
                f"<title>{html.escape(self.title)}</title>",
                f"<desc>{html.escape(label)}</desc>",
                f"<style>{STYLE}</style>",
                *lanes,
                *self.parts,
                "</svg>\n",
            ]
        )

    def _x(self, lane: str) -> float:
        return MARGIN + LANE * (self.lanes.index(lane) + 0.5)

    def _lane(self, name: str) -> str:
        x = self._x(name)
        return (
            f'<line class="lane" x1="{x}" y1="50" x2="{x}" y2="{self.y:.0f}"/>\n'
            f'<rect class="name" x="{x - LANE / 2 + 6}" y="20" width="{LANE - 12}" height="30" rx="6"/>\n'
            f'<text class="head" x="{x}" y="40">{html.escape(name)}</text>'
        )

    def _draw(self, event: str) -> None:
        if event.startswith("== "):
            self._bar(event[3:])
            return
        who, _colon, text = event.partition(": ")
        one, arrow, other = who.partition(" -> ")
        if arrow:
            self._arrow(self._x(one), self._x(other), text)
        else:
            self._box(self._x(one), text)

    def _text(self, x: float, text: str, width: float, kind: str) -> None:
        for line in textwrap.wrap(text, int(width / WIDTH_OF_LETTER)):
            self.parts.append(f'<text class="{kind}" x="{x}" y="{self.y:.0f}">{html.escape(line)}</text>')
            self.y += LINE

    def _bar(self, text: str) -> None:
        self.y += 6
        self.parts.append(
            f'<line class="line" x1="{MARGIN}" y1="{self.y - 16:.0f}" x2="{self.width - MARGIN}" y2="{self.y - 16:.0f}"/>'
        )
        self._text(self.width / 2, text, self.width - 2 * MARGIN, "bar label")
        self.y += STEP - 4

    def _box(self, x: float, text: str) -> None:
        lines = len(textwrap.wrap(text, int((LANE - 30) / WIDTH_OF_LETTER)))
        self.parts.append(
            f'<rect class="box" x="{x - LANE / 2 + 10}" y="{self.y - 16:.0f}" width="{LANE - 20}"'
            f' height="{lines * LINE + 10}" rx="6"/>'
        )
        self._text(x, text, LANE - 30, "inside")
        self.y += STEP

    def _arrow(self, start: float, end: float, text: str) -> None:
        self._text((start + end) / 2, text, abs(end - start) - 20, "label")
        way = 1 if end > start else -1
        y = self.y - 8
        self.parts.append(f'<line class="arrow" x1="{start}" y1="{y:.0f}" x2="{end - 8 * way}" y2="{y:.0f}"/>')
        tip = f"{end},{y:.0f} {end - 9 * way},{y - 5:.0f} {end - 9 * way},{y + 5:.0f}"
        self.parts.append(f'<polygon class="tip" points="{tip}"/>')
        self.y += STEP


def made() -> dict[Path, str]:
    """All files that this tool writes, with their content."""
    pictures = {path.with_suffix(".svg"): Picture(path.read_text("utf-8")).svg() for path in IMAGES.glob("*.txt")}
    return {GUIDES / "guide_errors.rst": errors_page(groups(), advice()), **pictures}


if __name__ == "__main__":
    for place, content in made().items():
        place.write_text(content, "utf-8")
