# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a script: one JSON line for each event, appended and synced, in a file beside the script.

The line C(started) is on the disk before a statement is sent; C(done) or C(failed) follow after its answer, C(lost) when
the answer is missing but the platform's id of the statement is known. So whatever happens, the file tells which
statements have certainly run, and which one is in doubt.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _files, _utc
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure

# C(objects) and C(session) of a look at the platform.
Look = dict[str, t.Any]
# How each journal starts.
HEAD = b'{"event": "begun", "sha256": "'
# In check mode, the task that would have saved the script has not saved it.
UNLESS_SAVED = "Unless a task before this one saves it, this fails outside check mode."


class JournalError(Failure):
    """The journal can't be used; no statement was sent."""

    code = "journal"


class Locked(JournalError):
    """Another run is working on the same script."""

    code = "locked"


@dataclasses.dataclass
class Progress:
    """The content of a journal.

    :ivar state: C(none) when nothing was recorded, C(finished) when the script ran to its end
    :ivar sha256: of the script; None when nothing was recorded
    :ivar total: the number of statements in the script; None when nothing was recorded
    :ivar done: the last C(done) event of each statement that ran, by index
    :ivar unknown: the C(started) event of the statement without an end, with its query id if that was recorded
    :ivar skipped: why each statement was not run that a person has left out, by index
    :ivar query_ids: all query ids that were recorded
    :ivar last: the time of the last event, in UTC
    :ivar before: what was found on the platform before the first statement, and by which session; None if that is not known
    :ivar after: the same of the look after the last one
    :ivar runs: the runs that have sent a statement: C(tag), C(started), C(ended), and the C(session), if that is known
    """

    state: t.Literal["none", "partial", "finished"] = "none"
    sha256: str | None = None
    total: int | None = None
    done: dict[int, dict[str, t.Any]] = dataclasses.field(default_factory=dict)
    unknown: dict[str, t.Any] | None = None
    skipped: dict[int, str] = dataclasses.field(default_factory=dict)
    query_ids: set[str] = dataclasses.field(default_factory=set)
    last: str | None = None
    before: Look | None = None
    after: Look | None = None
    runs: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)


def journal_path(script_path: str) -> str:
    """Return the path of the journal of a script."""
    return f"{script_path}.journal"


def read(path: str) -> Progress:
    """Return the content of the journal at C(path), which need not exist.

    A crash may leave a last line without its end; its event was not recorded.

    :raises JournalError: the journal can't be read, is not a journal, or is damaged; or other users may write it
    """
    try:
        raw, _mode = _files.read_own(path, limit=None, follow=False)
    except FileNotFoundError:
        return Progress()
    except _files.NotOwn as error:
        raise _not_own(path, error) from None
    except OSError as error:
        raise JournalError(f"The journal {path} can't be read: {error.strerror}.") from None
    return _replay(path, raw)


def answers(path: str | None, sha256: str) -> list[dict[str, t.Any]]:
    """Return C(index) and C(answer) of each statement of a script that has run; none if no journal of it can be read.

    What was refused, and not needed, has done nothing.
    """
    progress = Progress()
    with contextlib.suppress(JournalError):
        progress = read(path) if path else progress
    done = progress.done if progress.sha256 == sha256 else {}
    ran = {index: event for index, event in done.items() if not event.get("not_needed")}
    return [{"index": index, "answer": event.get("answer")} for index, event in sorted(ran.items())]


def require_usable(path: str, *, check_mode: bool) -> None:
    """Refuse a journal that can't be written or locked, before the script is needed.

    :raises JournalError: says why
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            os.close(_files.open_regular(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW))
        if check_mode:
            _files.try_to_write(path)
        else:
            with _files.reserved(path):
                pass
    except BlockingIOError:
        # Another run is trying the same, with success.
        pass
    except OSError as error:
        raise JournalError(
            f"The journal {path} can't be used: {error.strerror}.",
            hint="Name a path where the user of this task can write and lock files.",
        ) from None


def _not_own(path: str, error: OSError) -> JournalError:
    return JournalError(f"The journal {path} can't be trusted: {error.strerror}.", hint=_files.MAKE_OWN, code="not_own")


def _replay(path: str, raw: bytes) -> Progress:
    if not _recognised(raw):
        raise JournalError(f"The file {path} is not a journal of this collection.", hint="Name another journal.")
    progress = Progress()
    lines = raw.split(b"\n")[:-1]
    for number, line in enumerate(lines, 1):
        try:
            _apply(progress, json.loads(line))
        except (ValueError, KeyError, TypeError):
            raise JournalError(
                f"Line {number} of the journal {path} is damaged.",
                hint="Find out from the platform which statements ran, and repair the journal or move it away.",
            ) from None
    return progress


def _recognised(raw: bytes) -> bool:
    """Return whether the first line is one of a journal."""
    first, newline, _rest = raw.partition(b"\n")
    if not newline:
        # A crash may leave the start of it.
        return raw.startswith(HEAD) or HEAD.startswith(raw)
    try:
        event = json.loads(first)
    except ValueError:
        return False
    return isinstance(event, dict) and "event" in event


def _apply(progress: Progress, event: dict[str, t.Any]) -> None:
    kind = event["event"]
    if progress.state == "none" and kind != "begun":
        raise ValueError
    if kind == "begun":
        progress.state, progress.sha256, progress.total = "partial", event["sha256"], _number(event["total"])
        progress.before = event.get("before")
    elif kind == "finished":
        progress.state, progress.unknown, progress.after = "finished", None, event.get("after")
    elif kind == "lost":
        if progress.unknown is None or progress.unknown["index"] != event["index"]:
            raise ValueError
        progress.unknown = {**progress.unknown, "query_id": event["query_id"]}
    elif kind in ("started", "done", "failed", "skipped", "rolled_back"):
        index = _number(event["index"])
        if not 1 <= index <= (progress.total or 0) or not isinstance(event["time"], str):
            raise ValueError
        sent, progress.unknown = progress.unknown, event if kind == "started" else None
        _note_run(progress, event)
        if kind == "done":
            progress.done[index] = {**event, "started": sent["time"] if sent and sent["index"] == index else None}
        elif kind == "skipped":
            progress.skipped[index] = str(event["reason"])
        elif kind == "rolled_back":
            progress.done = {done: one for done, one in progress.done.items() if done < index}
        if event.get("query_id"):
            progress.query_ids.add(event["query_id"])
    else:
        raise ValueError
    progress.last = event.get("time", progress.last)


def _note_run(progress: Progress, event: dict[str, t.Any]) -> None:
    """Note what an event tells of the run that has recorded it."""
    runs, kind = progress.runs, event["event"]
    if kind == "started" and (not runs or runs[-1]["tag"] != event.get("tag")):
        known = {"tag": event.get("tag"), "started": event["time"], "session": event.get("session")}
        runs.append({**known, "ended": event["time"]})
    elif runs and kind in ("started", "done", "failed"):
        runs[-1]["ended"] = event["time"]


def _number(value: t.Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError
    return value


class Journal:
    """An open journal. No other run can write it until it is closed or the process ends.

    :param path: the file; created when it is missing
    :param sha256: the digest of the script
    :param total: the number of statements in the script
    :param before: what was found on the platform before the first statement, for a new journal
    :param is_current: whether the script is still what was read; asked when nobody else can run it any more
    :param now: returns the time of an event
    :raises Locked: another run has it open, or has removed or replaced the script
    :raises JournalError: it belongs to another script, or can't be written
    """

    def __init__(
        self,
        path: str,
        sha256: str,
        total: int,
        *,
        before: Look | None = None,
        is_current: t.Callable[[], bool] = lambda: True,
        now: t.Callable[[], str] = _utc.now,
    ) -> None:
        self.path = path
        self._before = before
        self._is_current = is_current
        self._now = now
        try:
            _files.require_own(path)
            self._handle = _files.open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW)
            try:
                self._open(sha256, total)
            except BaseException:
                os.close(self._handle)
                raise
        except _files.NotOwn as error:
            raise _not_own(path, error) from None
        except OSError as error:
            raise JournalError(
                f"The journal {path} can't be written: {error.strerror}.",
                hint="Nothing was sent. Name another journal.",
            ) from None

    def _open(self, sha256: str, total: int) -> None:
        try:
            _files.lock_at(self._handle, self.path)
        except BlockingIOError:
            raise Locked(
                f"Another run is using this script: it has locked {self.path}.",
                hint="Wait until it has ended, then run this again.",
            ) from None
        except OSError as error:
            raise JournalError(
                f"The journal {self.path} can't be locked: {error.strerror}.",
                hint="Nothing was sent. Name a journal on a file system that supports locks.",
            ) from None
        raw = self._whole()
        if not self._is_current():
            if not raw:
                # It is this run's own.
                _files.remove(self.path)
            raise Locked(
                "Another run has removed or replaced the script since it was read. Nothing was sent.",
                hint="Wait until it has ended, then run this again.",
            )
        self.progress = _replay(self.path, raw)
        require_same(self.path, self.progress, sha256, total)
        os.fchmod(self._handle, _files.MODE)
        end = raw.rfind(b"\n") + 1
        if end != len(raw):
            os.ftruncate(self._handle, end)
        if self.progress.state == "none":
            before = {} if self._before is None else {"before": self._before}
            self._append({"event": "begun", "sha256": sha256, "total": total, **before})
            _files.sync_folder(os.path.dirname(os.path.abspath(self.path)))

    def _whole(self) -> bytes:
        size = os.fstat(self._handle).st_size
        return os.pread(self._handle, size, 0)

    def started(self, index: int, tag: str, session: dict[str, t.Any] | None = None) -> None:
        """Record that a statement is about to be sent by the run C(tag), whose first one has its session, too."""
        runs = self.progress.runs
        told = {} if session is None or (runs and runs[-1]["tag"] == tag) else {"session": session}
        self._append({"event": "started", "index": index, "tag": tag, **told})

    def done(self, index: int, **about: t.Any) -> None:
        """Record that a statement has run."""
        self._append({"event": "done", "index": index, **about})

    def failed(self, index: int, **about: t.Any) -> None:
        """Record that a statement failed and changed nothing."""
        self._append({"event": "failed", "index": index, **about})

    def lost(self, index: int, query_id: str) -> None:
        """Record the id of a statement whose answer is missing."""
        self._append({"event": "lost", "index": index, "query_id": query_id})

    def skipped(self, index: int, reason: str) -> None:
        """Record that a person has left out a statement."""
        self._append({"event": "skipped", "index": index, "reason": reason})

    def rolled_back(self, index: int) -> None:
        """Record that the statements from C(index) on are undone, since their session ended in a transaction."""
        self._append({"event": "rolled_back", "index": index})

    def finished(self, by: str, after: Look | None = None) -> None:
        """Record that all statements have run.

        :param by: who or what ran them
        :param after: what was found on the platform then
        """
        self._append({"event": "finished", "by": by, **({} if after is None else {"after": after})})

    def close(self) -> None:
        """Release the lock and close the file."""
        os.close(self._handle)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _append(self, event: dict[str, t.Any]) -> None:
        event = {**event, "time": self._now()}
        line = json.dumps(event).encode() + b"\n"
        try:
            # The next run cuts off a torn line.
            _files.append(self._handle, line)
        except OSError as error:
            raise JournalError(
                f"The journal {self.path} can't be written: {error.strerror}.",
                hint="Free some space and run this again; the journal says where to continue.",
            ) from None
        _apply(self.progress, event)


def require_same(path: str, progress: Progress, sha256: str, total: int) -> None:
    """Refuse a journal whose statement numbers are not those of the script.

    :raises JournalError: it belongs to a script with another digest, or to one that was split differently
    """
    if progress.state == "none":
        return
    if progress.sha256 != sha256:
        raise JournalError(
            f"The journal {path} belongs to another script (sha256 {progress.sha256}).",
            hint="The script was changed after it had started to run. Restore it, or move the journal away to"
            " run it from the start.",
            code="script_changed",
        )
    if progress.state == "partial" and progress.total != total:
        raise JournalError(
            f"The journal {path} counts {progress.total} statements in this script, and this run counts {total}.",
            hint="Another version of this collection started to run it and split it differently. Finish it"
            " with that version.",
        )


def mark_finished(path: str, *, sha256: str, total: int, by: str) -> None:
    """Record that a script was executed by other means.

    :param by: who or what ran it
    :raises JournalError: the journal is locked, belongs to another script, or can't be written
    """
    with Journal(path, sha256, total) as journal:
        journal.finished(by)


@contextlib.contextmanager
def idle(path: str) -> t.Iterator[None]:
    """Keep runs from beginning while their script is replaced or removed: lock its journal, which is made for that if there is none.

    :raises Locked: a run is working on it; nothing was changed
    :raises JournalError: it can't be locked
    """
    try:
        handle = _files.open_regular(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
    except FileNotFoundError:
        # Without the folder, there is no script that could run.
        yield
        return
    except OSError as error:
        raise _not_removed(path, error) from None
    try:
        try:
            _files.lock_at(handle, path)
        except BlockingIOError:
            raise Locked(
                f"A run is using this script: it has locked {path}.", hint="Wait until it has ended."
            ) from None
        except OSError as error:
            raise _not_removed(path, error) from None
        try:
            yield
        finally:
            # One that is empty is this function's own, unless another run has put its own there since.
            with contextlib.suppress(OSError):
                if not os.fstat(handle).st_size and os.path.samestat(os.fstat(handle), os.stat(path)):
                    os.unlink(path)
    finally:
        os.close(handle)


@contextlib.contextmanager
def removing(path: str) -> t.Iterator[None]:
    """Lock the journal while its script is removed, and remove it afterwards.

    :raises Locked: a run is working on it; nothing was removed
    :raises JournalError: it can't be removed
    """
    with idle(path):
        yield
        try:
            _files.remove(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _not_removed(path, error) from None


def _not_removed(path: str, error: OSError) -> JournalError:
    return JournalError(f"The journal {path} can't be removed: {error.strerror}.")


def diff_of_finishing(path: str, before: Progress) -> dict[str, str]:
    """Return the diff of recording that a script has run."""
    return {"before": f"{before.state}\n", "after": "finished\n", "before_header": path, "after_header": path}
