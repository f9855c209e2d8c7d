# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that occur nowhere else, the forms in which they may leak, and where to look for them.

Nothing here is shared with the code that hides secrets: what that forgets, this has to find.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import os
import re
import stat
import threading
import typing as t
from pathlib import Path
from urllib.parse import quote, quote_plus

# A secret of fewer characters can't be told from a part of another word, nor can a part of one.
PART = 8
# Every kind of character that some encoding changes; the first and last eight are in no other secret.
API_KEY = "kQ7/zT+4w\"d\\&%41'{{x}}=u~,Lp0?vR-m3<b>Yc9"
EXCHANGED = "eyJ0xM5uVb2Ql.aW8-Ri_e7Gk3HsZq.Nf6Pd1Xc4Ty"
PASSWORD = "hG6\"v\\n&%5E'{{7*7}} ü€Wj8/sK+r2=aD$Zb1"
PASSPHRASE = "Vy3!tN8'q\"Mz\\0{%z%}&Cf5~oB7ärE9"
PAT = "pT9wLr4XeJ2.uHk6-YbQ8_nMs1Ai3Dv5Gz0Rc7F"
OAUTH = "oA2nCx8ZbW5.kTf3-PyE7_jVq9Ud1Sm6Hl4Ig0K"
DATABRICKS = "dapi6e1Xz9Bq3Wv7Nt5Rk2Hf8Lc4Yp0Mj-2"
CLIENT_SECRET = "dose8Kw3/Tz6+Xr1=Vn9%Qb4&Mf7Hs2Jc5Gy"
# The token that Databricks gives for the client secret is made by the stand-in.
SCRIPT = "Sn4'x\"P8\\w{{1/0}}%2F&ü+Rb6/Ek9=Td3Zq7"
# Of the connection that is registered.
NEW = "xN4#eW7\"pR1\\sS9{{9*9}}'%{b}qT6=wO2/ö+kZ3Hd5"
SHORT = "q9'Z\\7"


def literal(secret: str, style: str = "doubled") -> str:
    """A secret as an SQL string, its quotes doubled or escaped with backslashes, or in dollars."""
    if style == "dollars":
        return f"$${secret}$$"
    backslashes = secret.replace("\\", "\\\\")
    return "'" + backslashes.replace("'", "''" if style == "doubled" else "\\'") + "'"


def forms(secret: str) -> dict[str, str]:
    """How a secret may be written, by the name of the way."""
    raw = secret.encode()
    found = {
        "raw": secret,
        "json": json.dumps(secret)[1:-1],
        "json, not ASCII only": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json within json": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "repr": repr(secret)[1:-1],
        "repr of bytes": repr(raw)[2:-1],
        "quote": quote(secret, safe=""),
        "quote but slashes": quote(secret),
        "quote_plus": quote_plus(secret),
        "html": html.escape(secret),
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
    }
    for before in range(3):
        # Only what depends on nothing but the secret.
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            encoded = encode(b"\0" * before + raw).decode()
            found[f"{name} +{before}"] = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
    return found


def pieces(secret: str) -> set[str]:
    """What must be found nowhere: every form, and the beginning and the end of each."""
    found: set[str] = set()
    for form in forms(secret).values():
        found |= {form, form[:PART], form[-PART:]} if len(form) >= 2 * PART else {form}
    return found


def leaks(text: str, secrets: t.Iterable[str]) -> list[str]:
    """What of the secrets stands in a text, with some of the text around it."""
    found = []
    for secret in secrets:
        for piece in pieces(secret):
            at = text.find(piece)
            if at >= 0:
                found.append(f"{piece!r} in ...{text[max(0, at - 80) : at + len(piece) + 40]!r}...")
    return found


def leaks_in_folder(folder: Path, secrets: t.Sequence[str], given: t.Collection[Path]) -> list[str]:
    """What of the secrets stands in the files below a folder, or in their names.

    :param given: the files that were put there with secrets in them
    """
    found = []
    for path in folder.rglob("*"):
        found += leaks(str(path), secrets)
        if path.is_file() and not path.is_symlink() and path not in given:
            found += [f"{path}: {leak}" for leak in leaks(path.read_bytes().decode("utf-8", "replace"), secrets)]
    return found


def open_to_others(paths: t.Iterable[Path]) -> list[str]:
    """Which files are not 0600, and which folders not 0700."""
    found = []
    for path in paths:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode != (0o700 if path.is_dir() else 0o600):
            found.append(f"{path}: {mode:04o}")
    return found


def _below(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            # The second field is the name in parentheses, which may hold anything.
            about = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()
            parents.setdefault(int(about[1]), []).append(int(process))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found[1:]


class Watch:
    """Reads the command line and the environment of every process below this one, all the time.

    :param secrets: what must be on no command line
    :param withheld: what must be in no environment either
    :ivar looks: how many times it has read all of them
    """

    def __init__(self, secrets: t.Collection[str], withheld: t.Collection[str] = ()) -> None:
        self.looks = 0
        self.seen: list[str] = []
        self._pieces = {
            name: re.compile(b"|".join(re.escape(piece.encode()) for one in wanted for piece in sorted(pieces(one))))
            for name, wanted in (("cmdline", secrets), ("environ", withheld))
            if wanted
        }
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            self._look()
            self.looks += 1

    def _look(self) -> None:
        for process in _below(os.getpid()):
            for name, wanted in self._pieces.items():
                with contextlib.suppress(OSError):
                    raw = Path("/proc", str(process), name).read_bytes()
                    found = wanted.search(raw)
                    if found is not None:
                        self.seen.append(f"{found.group()!r} in {name} of {process}: {raw[:80]!r}")
