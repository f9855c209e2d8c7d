# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task at which a run stopped, and what to do then. Ansible doesn't tell, so it is derived from the results."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _text
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import names
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Answer, Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import (
    PLATFORMS,
    PREFIX,
    Settings,
)

# The tasks that answer, in their order, by the names that they have in the role; {} is the platform.
TASKS = {
    "script": "Save the clean-up script",
    "decided": "Decide what to do",
    "tried": "Sign in to {}, and look at what the script would remove",
    "planned": "Plan the deletion",
    "shown": "Show the plan",
    "deleted": "Delete the connection",
    "ran": "Run the script on {}",
    "left": "Require that what the script drops is gone",
    "recorded": "Record that the script has run",
}
CHECK = "Validate the variables"
REPORT = "Write the report"
LOOK = "Look on {} for what the script removes"
OF_STAGES = (CHECK, TASKS["decided"], TASKS["shown"])
ELSEWHERE = (
    "The play stopped this run early: another host failed (any_errors_fatal, max_fail_percentage), a result was masked or"
    " removed, or Ansible itself refused a task, as it has shown above."
)
NOT_BEGUN = "It did not start, see above."
STILL = "Without a change, it would stop here again."
RERUN = "Rerun the same command. It picks up where it left off."
THEN = "Then rerun: it picks up where it left off."
AGAIN = "Fix the cause and rerun the same command. It picks up where it left off."
ANEW = f"{STILL} Plan again, review what has changed, and approve the new plan."
BY_HAND = (
    f"{STILL} Hand the script to a person with immuta_deregister_executor=handoff. When it has run, set"
    " immuta_deregister_script_executed."
)
MISSPELT = "Correct the key if it is misspelt, and rerun. If it is right, see the guide to lost scripts."
# What helps, by the code of the failure; AGAIN for any other one.
ADVICE = {
    **dict.fromkeys(
        ("deadline", "server", "rate_limited", "busy", "wait_timeout", "locked", "look_failed"),
        f"Wait until what is named above responds or is free. {RERUN}",
    ),
    "transport": f"Check that IMMUTA_URL (the option url) is the tenant's address. If it is, wait until its host responds. {RERUN}",
    "tls": (
        "Set IMMUTA_CA_PATH (the option ca_path) to the authority's file, correct IMMUTA_URL (url), or have the certificate renewed. Then"
        " rerun. Don't set validate_certs to false: anybody on the network path could then read the API key."
    ),
    "redirect": "Set IMMUTA_URL (the option url) to the tenant's real address, and rerun.",
    "api_missing": (
        "Open IMMUTA_URL (the option url) in a browser and check that it is the tenant's address, without a path. Correct it, and rerun."
    ),
    "unexpected_reply": (
        "Check the address (IMMUTA_URL, SNOWFLAKE_HOST, or DATABRICKS_HOST), and any proxy between it and the host that runs the module, and"
        " rerun. If the real server answered, report the message: the collection may not know this version of the API."
    ),
    "authentication": f"Set IMMUTA_API_KEY (the option api_key) to a valid API key of the tenant at IMMUTA_URL. {THEN}",
    "permission": f"Grant the key's owner the permission that is named above, or set IMMUTA_API_KEY to the key of somebody who has it. {THEN}",
    "login_failed": (
        "Correct the user or the credential. For Snowflake: SNOWFLAKE_USER, and SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY_FILE, or"
        " SNOWFLAKE_TOKEN. For Databricks: DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET."
        f" {THEN}"
    ),
    "platform_unreachable": (
        "Check the address. For Snowflake: SNOWFLAKE_ACCOUNT, and SNOWFLAKE_HOST if it is set. For Databricks: DATABRICKS_HOST, and"
        f" DATABRICKS_WAREHOUSE_ID or DATABRICKS_HTTP_PATH. If it is right, wait until the platform responds. {THEN}"
    ),
    "unfit_secret": (
        "Check the option or the environment variable that is named above: the value may be cut off or mistyped. If it is complete, change"
        " this secret where it was made, for example the user's password on the platform, and set the option or the variable to the new one."
        " Then rerun."
    ),
    **dict.fromkeys(
        ("configuration", "invalid_option", "missing_library"), "Set or install what is named above, and rerun."
    ),
    **dict.fromkeys(("script_changed", "plan_changed"), ANEW),
    **dict.fromkeys(
        ("wrong_platform", "platform_unknown", "objects_missing"),
        f"{STILL} Sign in to the connection's own platform, or set what is named above, and rerun.",
    ),
    "session_changed": (
        f"{STILL} Sign in as named above, and rerun. If the rest is to run in this session, set"
        " immuta_deregister_other_session to accept."
    ),
    "unknown_outcome": (
        f"{STILL} Find out on the platform whether the statement ran. If it did, rerun with immuta_deregister_skip;"
        " if not, with immuta_deregister_on_unknown=rerun."
    ),
    "session_lost": (
        f"{STILL} List the statements that are not needed in immuta_deregister_skip and rerun. Or have a person run"
        " the rest, then set immuta_deregister_script_executed."
    ),
    "statement_failed": (
        "Fix the cause on the platform and rerun: the script continues with the statement that failed. If it can no"
        " longer succeed, leave it out with immuta_deregister_skip."
    ),
    "objects_left": (
        "Check what is still there. If it is Immuta's, drop it by hand and rerun. If it is to stay, set"
        " immuta_deregister_verify to never."
    ),
    **dict.fromkeys(("split_error", "transaction_open"), BY_HAND),
    **dict.fromkeys(
        ("confirmation_mismatch", "confirmation_required"),
        "Set immuta_deregister_confirm to the key of the connection that you are removing, and rerun.",
    ),
    "empty_script": (
        f"{STILL} Read the script. If there is nothing to run, set immuta_deregister_empty_script to accept, and rerun."
    ),
    "script_lost": (
        f"{STILL} Correct the key if it is misspelt. If the script was saved elsewhere, name the place with"
        " immuta_deregister_script_dir or immuta_deregister_script_host. If it is lost, describe the integration in"
        " immuta_deregister_integration_config to have one regenerated."
    ),
    **dict.fromkeys(("refused", "integration_shared"), "Do what is said above, then rerun."),
    "wrong_object": "Do not run it again. Look at both connections in Immuta as an administrator.",
    **dict.fromkeys(("bug", "check_mode_write"), f"{STILL} Report it."),
}


@dataclasses.dataclass(frozen=True)
class Stop:
    """The task at which a run stopped.

    :ivar task: the name of the task
    :ivar failure: its result
    :ivar shown: whether Ansible has printed a failure
    """

    task: str
    failure: Answer
    shown: bool = True

    @property
    def message(self) -> str:
        """The task's message."""
        message = self.failure.get("msg", "no message")
        text = " ".join(map(str, message)) if isinstance(message, list) else str(message)
        # The stages write a line for each mistake, and each of them is printable.
        return text if self.task in OF_STAGES else _text.printable(text)

    @property
    def advice(self) -> str:
        """What to do next."""
        if self.task == CHECK:
            return "Correct what is named above, and rerun."
        failure = self.failure.get("failure") or {}
        return MISSPELT if failure.get("similar_keys") else ADVICE.get(failure.get("code", ""), AGAIN)


def find(settings: Settings | None, observed: Observed, checked: Answer, *, check_mode: bool) -> Stop | None:
    """Find the task at which the run stopped; None if it came to its end.

    :param settings: None if they could not be read
    :param checked: what the stage of the checks has answered
    """
    failed = next((name for name in TASKS if broken(getattr(observed, name))), None)
    if settings is None or checked.get("failed"):
        return Stop(CHECK, checked, shown=bool(failed or checked.get("failed")))
    if failed is None and observed.own:
        # It was rescued.
        return Stop(f"Run the script with the tasks of {settings.executor}", observed.own, shown=False)
    if failed is None:
        return _unfinished(settings, observed, check_mode=check_mode)
    answer: Answer = getattr(observed, failed)
    # The stage that decides doesn't know which keys are similar.
    code = {"failure": observed.failure} if failed == "decided" and observed.lost_script else {}
    return Stop(task(failed, observed), {**answer, **code})


def task(name: str, observed: Observed) -> str:
    """A task's name in the role."""
    decision = observed.decision
    chosen: str = decision.get("executor") or ""
    looks_at = decision.get("look_again") or (decision.get("preflight") if decision.get("way") == "look" else "")
    if name == "tried" and looks_at:
        return LOOK.format(looks_at.capitalize())
    return TASKS[name].format(chosen.capitalize() if chosen in PLATFORMS else "the platform")


def has_failed(host: t.Mapping[str, t.Any]) -> bool:
    """Whether a host's run has failed, also one that is still to be reported.

    :param host: its variables
    """
    answers = (host.get(f"{names.OWN}{stage}") for stage in ("checked", *TASKS))
    return (host.get(f"{PREFIX}result") or {}).get("status") == "failed" or any(
        isinstance(answer, dict) and answer.get("failed") for answer in answers
    )


def broken(answer: Answer) -> bool:
    """Whether a task has failed, or could not be run."""
    return bool(answer.get("failed") or answer.get("unreachable"))


def _unfinished(settings: Settings, observed: Observed, *, check_mode: bool) -> Stop | None:
    """The first task that has no result although no task of the role has failed."""
    if not observed.script:
        # The tasks that restore it are Ansible's own.
        shown = settings.restore
        return Stop(TASKS["script"], {"msg": NOT_BEGUN if shown else ELSEWHERE}, shown=shown)
    missing = _undecided(observed) or _undone(observed, check_mode=check_mode)
    if missing is None:
        return None
    return Stop(task(missing, observed), {"msg": ELSEWHERE}, shown=False)


def _undecided(observed: Observed) -> str | None:
    """The first task without a result, of those that run before anything is changed."""
    decision = observed.decision
    for asked, name in (("preflight", "tried"), ("plan", "planned")):
        if (
            decision.get(asked)
            and "timing" not in getattr(observed, name)
            and not (name == "tried" and observed.not_looked)
        ):
            return name
    return next((name for name in ("decided", "shown") if not getattr(observed, name)), None)


def _undone(observed: Observed, *, check_mode: bool) -> str | None:
    """The task that was decided on and has no result, or not a final one."""
    decision = observed.decision
    if decision.get("delete") and (
        "timing" not in observed.deleted or not (check_mode or observed.deleted.get("verified"))
    ):
        return "deleted"
    run = decision.get("run") or ""
    if run in PLATFORMS and not (check_mode and "timing" in observed.ran):
        return None if (observed.ran.get("journal") or {}).get("state") == "finished" else "ran"
    if run in ("own", "record") and "timing" not in observed.recorded:
        return "recorded"
    return None
