# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples for pipelines: their commands, run as a runner runs them. What a schema can tell of them, the session lint does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, PASSWORD

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "pipelines"
EXPRESSION = re.compile(r"\$\{\{ ([\w.]+) \}\}")
# The credential with which Immuta is to sign in.
NEW_KEY = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5LW9mLWEtbmV3LWNvbm5lY3Rpb24\n-----END PRIVATE KEY-----\n"
Job = dict[str, t.Any]


def example(name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", yaml.safe_load((EXAMPLES / name).read_text("utf-8")))


class Runner:
    """Runs commands of jobs, each job in a folder of its own, with a name that a shell would split."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.output = ""

    def folder(self, job: str) -> Path:
        place = self.player.folder / f"the team's {job}"
        place.mkdir(exist_ok=True)
        return place

    def __call__(self, job: str, script: str, **environment: str) -> int:
        """Run a script; its exit status."""
        programs = os.pathsep.join([str(Path(sys.executable).parent), self.player.environment["PATH"]])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder(job),
            env={
                **self.player.environment,
                "PATH": programs,
                **environment,
                "SCRIPT_DIR": f"{self.player.scripts} of 'us'",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.output += done.stdout
        return done.returncode


def require_readable(summary: str, digest: str) -> None:
    """Fail unless a person can read from a summary what is to be approved."""
    assert summary.startswith(f"To approve: {digest}\n")
    for line in (
        f"connection_key: {KEY}",
        "   23. line 67: DROP DATABASE IMMUTA",
        "   18. line 60: CALL PROCEDURE IMMUTA.PUBLIC.IMMUTA_DETACH_POLICIES   <- review",
        "         calls a procedure: IMMUTA.PUBLIC.IMMUTA_DETACH_POLICIES",
    ):
        assert line in summary.splitlines()


def require_azure_devops_alike(runner: Runner, workflow: Job, digest: str) -> None:
    """Fail unless the pipeline for Azure DevOps does the same as a workflow for GitHub, of which the plan has run."""
    plan, apply = example("azure-pipelines.yml")["stages"]
    (planning,), (applying,) = plan["jobs"], apply["jobs"]
    first, show, *_more = planning["steps"]
    _download, last, publish = applying["strategy"]["runOnce"]["deploy"]["steps"]
    theirs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    assert [first["bash"], last["bash"]] == [theirs[0], theirs[2]]
    for step in (first, last):
        assert {"IMMUTA_API_KEY", "SNOWFLAKE_PRIVATE_KEY_RAW", "DATABRICKS_CLIENT_SECRET"} <= set(step["env"])
    # A value in the script itself would be a part of it.
    assert not any("${{" in one["bash"] or "$(" in one["bash"] for one in (first, show, last))
    assert (applying["environment"], apply["dependsOn"], publish["condition"]) == ("immuta", "plan", "always()")

    assert applying["variables"] == {"APPROVED": "$[ stageDependencies.plan.plan.outputs['show.digest'] ]"}
    before = len(runner.output)
    assert runner("plan", show["bash"]) == 0, runner.output
    told = runner.output[before:]
    assert f"##vso[task.setvariable variable=digest;isOutput=true]{digest}\n" in told
    (summary,) = re.findall(r"##vso\[task.uploadsummary\](.*)", told)
    require_readable(Path(summary).read_text(), digest)


def steps(example_of: Job) -> list[Job]:
    """The steps of a workflow that run a command, each with the environment of all."""
    found = [step for job in example_of["jobs"].values() for step in job["steps"] if "run" in step]
    return [{**step, "env": {**example_of["env"], **step.get("env", {})}} for step in found]


def register(runner: Runner, immuta: ImmutaDouble) -> None:
    """Bring the connection in again with the workflow for GitHub; the other examples run the same commands."""
    workflow = example("register-github-actions.yml")
    assert (workflow["jobs"]["register"]["needs"], workflow["jobs"]["register"]["environment"]) == ("plan", "immuta")
    file = runner.folder("repository") / "prod snowflake.yml"
    shutil.copy(EXAMPLES / "connection.yml", file)
    known = {"inputs.connection_file": str(file), "secrets.CONNECTION_PRIVATE_KEY": NEW_KEY}
    known.update({"vars.IMMUTA_URL": immuta.url, "secrets.IMMUTA_API_KEY": API_KEY})
    plan, apply = steps(workflow)
    for step, there in ((plan, False), (apply, True)):
        assert "${{" not in step["run"]
        env = {name: EXPRESSION.sub(lambda found: known.get(found[1], ""), it) for name, it in step["env"].items()}
        assert runner("repository", step["run"], **{k: v for k, v in env.items() if "SNOWFLAKE" not in k}) == 0, (
            runner.output
        )
        assert (KEY in immuta.state.connections) is there
    assert immuta.state.credentials[KEY]["privateKey"]["content"] == NEW_KEY

    gitlab = example("register-gitlab-ci.yml")
    assert set(gitlab) == {"variables", ".immuta-register", "immuta-register-plan", "immuta-register"}
    jobs = [gitlab["immuta-register-plan"], gitlab["immuta-register"]]
    assert [job["script"] for job in jobs] == [[plan["run"]], [apply["run"]]]
    assert {job["rules"][0]["if"] for job in jobs} == {'$CI_PIPELINE_SOURCE == "web" && $CONNECTION_FILE'}
    assert (jobs[1]["needs"], jobs[1]["rules"][0]["when"]) == (["immuta-register-plan"], "manual")
    azure, last = example("register-azure-pipelines.yml")["stages"]
    (planning,), (registering,) = azure["jobs"], last["jobs"]
    (first,), (_checkout, second) = planning["steps"], registering["strategy"]["runOnce"]["deploy"]["steps"]
    assert [first["bash"], second["bash"]] == [plan["run"], apply["run"]]
    assert (registering["environment"], last["dependsOn"]) == ("immuta", "plan")
    of_steps = {name for name in plan["env"] if name.isupper()} - set(workflow["env"])
    for step in (first, second):
        assert set(step["env"]) == {*of_steps, "CONNECTION_FILE"}


@pytest.fixture
def runner(player: Player) -> t.Iterator[Runner]:
    running = Runner(player)
    yield running
    for secret in (API_KEY, PASSWORD, NEW_KEY.split("\n")[1]):
        assert secret not in running.output


def test_github_actions(runner: Runner, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    workflow = example("github-actions.yml")
    plan, apply = workflow["jobs"]["plan"], workflow["jobs"]["apply"]
    assert (apply["needs"], apply["environment"]) == ("plan", "immuta")
    known = {"inputs.connection_key": KEY, "vars.IMMUTA_URL": immuta.url, "secrets.IMMUTA_API_KEY": API_KEY}

    def run(job: str, about: Job, **more: str) -> list[int]:
        codes = []
        for step in about["steps"]:
            if "run" not in step:
                continue
            # A value in the script itself would be a part of it.
            assert "${{" not in step["run"]
            given = {**workflow["env"], **step.get("env", {})}
            values = {
                name: EXPRESSION.sub(lambda found: known.get(found[1], ""), value) for name, value in given.items()
            }
            # The stand-in's address, and a password instead of a key.
            codes.append(runner(job, step["run"], **{k: v for k, v in values.items() if "SNOWFLAKE" not in k}, **more))
        return codes

    files = {name: str(runner.player.folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    assert run("plan", plan, **files) == [0, 0], runner.output
    assert KEY in immuta.state.connections
    assert plan["outputs"] == {"digest": "${{ steps.show.outputs.digest }}"}
    (digest,) = re.findall(r"^digest=([0-9a-f]{64})$", Path(files["GITHUB_OUTPUT"]).read_text(), re.MULTILINE)
    require_readable(Path(files["GITHUB_STEP_SUMMARY"]).read_text(), digest)
    known["needs.plan.outputs.digest"] = digest
    require_azure_devops_alike(runner, workflow, digest)

    (kept,) = (step["with"]["path"] for step in plan["steps"] if "upload-artifact" in step.get("uses", ""))
    shutil.copy(runner.folder("plan") / kept, runner.folder("apply") / kept)
    assert run("apply", apply) == [0], runner.output
    assert KEY not in immuta.state.connections
    assert not snowflake.account.exists("DATABASE", "IMMUTA")
    outcome = json.loads((runner.folder("apply") / "result.json").read_text())
    assert outcome["immuta_deregister"][KEY]["status"] == "completed"
    last = apply["steps"][-1]
    assert (last["if"], last["with"]["path"]) == ("always()", "result.json")
    register(runner, immuta)


def test_gitlab_ci(runner: Runner, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    pipeline = example("gitlab-ci.yml")
    # What is included must leave the other jobs and pipelines of a project alone.
    assert set(pipeline) == {"variables", ".immuta", "immuta-plan", "immuta-apply"}
    plan, apply = pipeline["immuta-plan"], pipeline["immuta-apply"]
    asked = '$CI_PIPELINE_SOURCE == "web" && $CONNECTION_KEY'
    assert plan["rules"] == [{"if": asked}]
    assert apply["rules"] == [{"if": asked, "when": "manual", "allow_failure": False}]
    assert (plan["extends"], apply["extends"], apply["needs"]) == (".immuta", ".immuta", ["immuta-plan"])

    def run(name: str, **variables: str) -> int:
        # One shell for all, in which the first that fails is the last.
        return runner(name, "\n".join(pipeline[f"immuta-{name}"]["script"]), CONNECTION_KEY=KEY, **variables)

    assert run("plan") == 0, runner.output
    (kept,) = plan["artifacts"]["paths"]
    (digest,) = re.findall(r"Digest of this plan: ([0-9a-f]{64})", runner.output)
    shutil.copy(runner.folder("plan") / kept, runner.folder("apply") / kept)

    assert run("apply") == 1
    assert "Run this job with the variable APPROVED" in runner.output
    assert run("apply", APPROVED="0" * 64) == 2
    assert KEY in immuta.state.connections
    assert snowflake.statements == []

    assert run("apply", APPROVED=digest) == 0, runner.output
    assert KEY not in immuta.state.connections
    (kept,) = apply["artifacts"]["paths"]
    outcome = json.loads((runner.folder("apply") / kept).read_text())
    assert outcome["immuta_deregister"][KEY]["script_executed"] is True
    assert {plan["artifacts"]["when"], apply["artifacts"]["when"]} == {"always"}
