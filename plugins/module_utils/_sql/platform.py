# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The interface between the executor and a platform."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure
from ansible_collections.community.immuta.plugins.module_utils._sql.credentials import mask
from ansible_collections.community.immuta.plugins.module_utils._sql.statement import Statement


class LoginFailed(Failure):
    """The platform refused the sign-in; no statement was sent."""

    code = "login_failed"


class Unreachable(LoginFailed):
    """The platform did not answer to the sign-in, or something else did; no statement was sent."""

    code = "platform_unreachable"


class StatementFailed(Failure):
    """A statement failed; the ones before it have run, the ones after it have not."""

    code = "statement_failed"


class UnknownOutcome(Failure):
    """A statement was sent, and its outcome is unknown."""

    code = "unknown_outcome"


class SessionLost(Failure):
    """The rest of the script needs something of a session that has ended; no statement of the script was sent."""

    code = "session_lost"


def sign_in_failed(platform: str, reason: str, remedy: str, *, reached: bool, **details: t.Any) -> LoginFailed:
    """Return the error for a sign-in that has failed, by whether the platform itself has answered."""
    what = "refuses the sign-in" if reached else "can't be reached, or is not at this address"
    kind = LoginFailed if reached else Unreachable
    return kind(f"{platform} {what}: {reason}", hint=f"No statement was sent. {remedy}", **details)


@dataclasses.dataclass(frozen=True)
class Problem:
    """A failed statement, as a platform reports it.

    :ivar lost: the answer is missing, and the statement may have run
    :ivar wait: the cause may pass: wait, and try again
    :ivar starting: a warehouse that is starting refuses statements so
    """

    message: str
    errno: int | None = None
    sqlstate: str | None = None
    query_id: str | None = None
    lost: bool = False
    wait: bool = False
    starting: bool = False
    hint: str = ""


# The name of a run that only looks.
LOOKING = "community.immuta/preflight"


def is_clients_own(error: Exception) -> bool:
    """Return whether an exception comes from the code of a client, which could not read what the platform has answered.

    Clients take fields for granted that an answer, or a proxy's, may lack. An exception from this collection's own code
    is a bug.
    """
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    name = place.tb_frame.f_globals.get("__name__", "") if place else ""
    builtin = (LookupError, TypeError, AttributeError, ValueError, RecursionError, AssertionError)
    return isinstance(error, builtin) and not name.startswith("ansible_collections.")


QueryState = t.Literal["done", "failed", "running", "never"]


@dataclasses.dataclass(frozen=True)
class Record:
    """One statement in a platform's query history.

    :ivar text: as it was sent; some platforms remove secrets
    :ivar tag: the name of the run that sent it
    :ivar own: whether the executor sent it to read the history, so that it is not part of the script
    """

    query_id: str
    text: str
    state: QueryState
    tag: str
    own: bool = False


@dataclasses.dataclass(frozen=True)
class Found:
    """A statement with an unknown outcome, as a platform's query history shows it.

    :ivar state: C(failed): the platform rejected it. C(never): it did not arrive. Send it again in both cases.
    """

    state: QueryState
    query_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Doubt:
    """A statement that an earlier run sent, and whose end is not in the journal.

    :ivar tag: the name of that run
    :ivar time: when it was sent, as in the journal
    :ivar query_id: its id, if known
    :ivar others: query ids that belong to other statements
    :ivar other_texts: the other statements of the script
    :ivar dialect: the dialect of the script
    :ivar ways: each of them statements by which the script may get its first warehouse
    :ivar retagged: whether the script may have changed the name of the run before the statement, so that what has that
        name does not tell all
    """

    text: str = dataclasses.field(repr=False)
    tag: str
    time: str
    query_id: str | None
    others: t.Collection[str]
    other_texts: t.Collection[str] = dataclasses.field(repr=False)
    dialect: str
    ways: t.Sequence[t.Sequence[Statement]] = ()
    retagged: bool = False

    def found(self, records: t.Iterable[Record], run: str) -> Found | None:
        """Return what the records of a query history say about the statement; None when that is not certain.

        A statement without a record is believed to have never arrived only if the records both reach back to the run
        that sent it and include the present run.

        :param run: the name of the present run
        """
        records = list(records)
        fitting = [record for record in records if self._fits(record)]
        if len(fitting) == 1:
            return Found(fitting[0].state, fitting[0].query_id)
        if self.retagged:
            return None
        reaches_back = any(record.tag == self.tag for record in records)
        up_to_date = any(record.tag == run for record in records)
        if fitting or self.query_id or not reaches_back or not up_to_date:
            return None
        unknown = [record for record in records if record.tag == self.tag and not self._is_other(record)]
        if not unknown:
            return Found("never")
        # A platform may remove secrets from a statement; then it is the only one left.
        if len(unknown) == 1 and mask(self.text, self.dialect) != self.text:
            return Found(unknown[0].state, unknown[0].query_id)
        return None

    def _fits(self, record: Record) -> bool:
        if self.query_id:
            return record.query_id == self.query_id
        return record.tag == self.tag and record.query_id not in self.others and _bare(record.text) == _bare(self.text)

    def _is_other(self, record: Record) -> bool:
        return record.own or record.query_id in self.others or _bare(record.text) in map(_bare, self.other_texts)


class Platform(t.Protocol):
    """The interface of a vendor for the executor.

    :ivar name: for messages
    :ivar dialect: its SQL dialect
    :ivar present: which of C(DATABASE) and C(SCHEMA) a new session has without a statement
    :ivar obstacle: why C(find) can't tell, as a sentence with the remedy, if that is known
    :ivar session: the fields of the session for results; empty before there is one
    """

    name: str
    dialect: str
    session: dict[str, t.Any]
    present: t.Collection[str]
    obstacle: str

    def connect(self) -> t.Any:
        """Return a new PEP 249 connection.

        :raises LoginFailed: the sign-in was refused
        """

    def query_id(self, cursor: t.Any) -> str | None:
        """Return the id of the cursor's last query."""

    def reader(self, cursor: t.Any) -> t.Any:
        """Return a cursor of the same session, whose statements the platform's history shows as reads of ours."""

    def answer(self, cursor: t.Any) -> str | None:
        """Return what the platform says of the C(DROP) that the cursor has run, in a sentence; None if it says nothing."""

    def problem(self, error: Exception, cursor: t.Any) -> Problem | None:
        """Explain an exception of the cursor's C(execute); None when it is not the client's."""

    def awaken(self, cursor: t.Any) -> bool:
        """Wait for a warehouse that refuses statements while it starts; return whether it takes them in time."""

    def find(self, cursor: t.Any, doubt: Doubt) -> Found | None:
        """Return what became of a statement, or None when that is not certain."""


def _bare(text: str) -> str:
    return text.strip().rstrip(";").rstrip()
