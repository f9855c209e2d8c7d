# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checkpoints that a play passes: its tasks, its requests to every server, and its changes of the kept files.

A recorded play says which there are. In a later one something happens at one of them: everything is killed, the answer
is lost, the disk is full, or another play is faster.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import socketserver
import threading
import typing as t

from ansible_collections.community.immuta.tests.doubles.process_tree import kill_tree
from ansible_collections.community.immuta.tests.harness import forkserver

# What happens at a point. The last word of a request's label says whether it was done already.
Event = t.Literal["killed", "answer lost", "disk full", "overtaken"]


@dataclasses.dataclass(frozen=True)
class Point:
    """A checkpoint, and what happens there.

    :ivar label: what the play was about to do, or has done
    :ivar number: which of the checkpoints with this label, from 1
    """

    event: Event
    label: str
    number: int

    def __str__(self) -> str:
        return f"{self.event}: {self.label} #{self.number}"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        label = self.rfile.readline().decode().strip()
        checkpoints = t.cast("_Server", self.server).checkpoints
        answer = checkpoints.reach(label)
        if answer is not None:
            self.wfile.write(answer.encode() + b"\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    checkpoints: Checkpoints


class Checkpoints:
    """Counts what passes, and lets the planned event happen.

    :ivar passed: the labels of all that has passed, in order
    :ivar happened: set when the planned event has happened
    """

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.happened = threading.Event()
        self._point: Point | None = None
        self._counts: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self._overtake: t.Callable[[], None] = lambda: None
        self._pid: int | None = None
        self._started = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.checkpoints = self
        self.port = self._server.server_address[1]

    def __enter__(self) -> Checkpoints:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def plan(self, point: Point | None, overtake: t.Callable[[], None] = lambda: None) -> None:
        """Forget what has passed, and let C(point) happen next.

        :param overtake: called when the play is to be overtaken; the play waits meanwhile
        """
        with self._lock:
            self._point = point
            self._overtake = overtake
            self.passed = []
            self._counts.clear()
            self.happened.clear()
            self._started.clear()
            self._pid = None

    def watch(self, pid: int) -> None:
        """Tell which process, with all below it, is the play."""
        self._pid = pid
        self._started.set()

    def gate(self, label: str, when: t.Literal["received", "answered"]) -> bool:
        """The gate of a stand-in server."""
        return self.reach(f"request {label} {when}") == "go"

    def reach(self, label: str) -> str | None:
        """Pass a checkpoint.

        :returns: C(go), C(full), C(lost), or None when the play is dead
        """
        with self._lock:
            self.passed.append(label)
            self._counts[label] += 1
            point = self._point
            if point is None or (point.label, point.number) != (label, self._counts[label]):
                return "go"
        if point.event == "killed":
            self._started.wait()
            assert self._pid is not None
            forkserver.kill_for(kill_tree(self._pid))
            self.happened.set()
            return None
        if point.event == "overtaken":
            self._overtake()
            self.happened.set()
            return "go"
        self.happened.set()
        return "full" if point.event == "disk full" else "lost"


# What leaves nothing behind that outlives the play: reads, and what belongs to a session.
READS = re.compile(
    r"request (GET|POST (/data/object/search|/session)|statement (SELECT|SHOW|USE|ALTER SESSION)|thrift (Open|Close)Session)\b",
    re.IGNORECASE,
)
# So many of the writes of a journal find a full disk, and the last one: each statement has two that are like any other's.
FULL_WRITES = 6


def points(passed: t.Sequence[str]) -> list[Point]:
    """Everything that can happen in a play that passed these checkpoints, and leaves another state than what came before.

    A killed play is what it has left: on the disk, in Immuta, and on the platform. So it is killed after each change of
    these, once. A killed process loses nothing that it has written, so a sync is no change. An answer that is lost matters
    where the request has changed something: the suite of faults loses those of reads. To be overtaken matters where it is
    done first, and by one statement only: what comes later is done under the lock of the journal.
    """
    counts: collections.Counter[str] = collections.Counter()
    found = []
    overtaken: set[str] = set()
    changed = True
    for label in passed:
        counts[label] += 1
        of_file, synced, journal = label.startswith("file "), label.startswith("file fsync"), label.endswith(".journal")
        changes = label.startswith("request ") and label.endswith(" answered") and not READS.match(label)
        if changed or changes:
            found.append(Point("killed", label, counts[label]))
        # A file is about to be changed, a request was done.
        changed = of_file and not synced
        if changes:
            found.append(Point("answer lost", label, counts[label]))
        many = label == "file write .journal" and FULL_WRITES < counts[label] < passed.count(label)
        if of_file and not (journal and synced) and not many:
            found.append(Point("disk full", label, counts[label]))
        kind = f"statement, {'file open .journal' in counts}" if "statement" in label.lower() else label
        if (of_file or label.endswith(" received")) and kind not in overtaken:
            found.append(Point("overtaken", label, counts[label]))
            overtaken.add(kind)
    return found
