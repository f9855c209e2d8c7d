# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The splitter side by side with sqlparse, sqlglot and the Snowflake connector's own.

Each run is a process of its own, so that its peak memory is its own. Prints a table; leaves with 1 when a bound is
missed: 10 times faster than sqlparse, linear in time, at most 3 times the script in memory, every hard case right.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import pathlib
import subprocess
import sys
import time
import typing as t

from ansible_collections.community.immuta.tests.bench.memory import peak, resident

CASES = pathlib.Path(__file__).parents[1] / "unit/plugins/module_utils/_sql/sql_cases.json"
MIB = 1024 * 1024
SIZES = (0.25, 1, 4, 16, 64)
# The others get the sizes that they can do in seconds.
LARGEST = {"ours": 64, "connector": 16, "sqlglot": 1, "sqlparse": 4}
# It can't parse blocks, and gets the script without.
NO_BLOCKS = ("sqlglot",)
FASTER_THAN_SQLPARSE = 10
MEMORY = 3.0
# The best of so many is taken where one takes little time.
ATTEMPTS = 3
# Between the smallest and the largest of these sizes (MiB) the seconds per MiB may grow by so much.
LINEAR = (4, 64, 1.5)

Split = t.Callable[[str, str], list[str]]


def splitter(name: str) -> t.Callable[[str, str], t.Sequence[t.Any]]:
    """A function of script and dialect that gives the statements, as the tool itself holds them."""
    if name == "ours":
        split = importlib.import_module("ansible_collections.community.immuta.plugins.module_utils._sql.split").split
        return t.cast("t.Callable[[str, str], t.Sequence[t.Any]]", split)
    if name == "sqlparse":
        sqlparse = importlib.import_module("sqlparse")
        # Its guard against large scripts is switched off.
        grouping = importlib.import_module("sqlparse.engine.grouping")
        for limit in ("MAX_GROUPING_TOKENS", "MAX_GROUPING_DEPTH"):
            setattr(grouping, limit, None)
        return lambda script, _dialect: sqlparse.split(script)
    if name == "sqlglot":
        sqlglot = importlib.import_module("sqlglot")
        # It says in a warning what it takes for an unknown command.
        logging.getLogger("sqlglot").disabled = True
        # It goes a level deeper with each statement that it does not know.
        sys.setrecursionlimit(1_000_000)
        return lambda script, dialect: sqlglot.parse(script, read=dialect)
    text = importlib.import_module("snowflake.connector.util_text")
    return lambda script, _dialect: [piece for piece, _is_put in text.split_statements(io.StringIO(script))]


def texts(name: str, script: str, dialect: str) -> list[str]:
    """The statements as texts without comments around them and without semicolons."""
    found = splitter(name)(script, dialect)
    if name == "ours":
        return [statement.text for statement in found]
    if name == "sqlglot":
        return [statement.sql(dialect=dialect) for statement in found if statement is not None]
    return [piece for piece in (str(piece).strip().rstrip(";").strip() for piece in found) if piece]


def script_of(size: float, *, blocks: bool) -> str:
    """A clean-up script of so many MiB: switched roles, quoted names, grants, comments, procedures and blocks."""
    goal = int(size * MIB)
    pieces = []
    written = number = 0
    while written < goal:
        number += 1
        objects = "".join(
            f"""REVOKE ALL PRIVILEGES ON TABLE "SALES"."PUBLIC"."ORDERS_{number}_{table}" FROM ROLE "IMMUTA_USER_{number}";
ALTER TABLE "SALES"."PUBLIC"."ORDERS_{number}_{table}" MODIFY COLUMN "CARD; NUMBER" UNSET MASKING POLICY; -- it's; done
"""
            for table in range(3)
        )
        block = f"""\
BEGIN
  UPDATE IMMUTA.PUBLIC.GRANTS SET STATE = CASE WHEN STATE = 'a;b' THEN 1 ELSE 2 END WHERE ID = {number};
  DELETE FROM IMMUTA.PUBLIC.GRANTS WHERE ID = {number};
END;
"""
        piece = f"""\
-- connection {number}; its objects
USE ROLE "IMMUTA_ADMIN_{number}";
{objects}ALTER USER "IMMUTA_{number}" SET COMMENT = 'was: it''s; in use' DEFAULT_ROLE = NULL /* done; */;
CREATE OR REPLACE PROCEDURE "IMMUTA"."PUBLIC"."CLEAN_{number}"(NAME VARCHAR)
RETURNS VARCHAR LANGUAGE SQL EXECUTE AS CALLER AS
$$
BEGIN
  DELETE FROM IMMUTA.PUBLIC.PROFILES WHERE ID = :NAME; -- it's; gone
  RETURN 'done';
END;
$$;
{block if blocks else ""}DROP ROLE IF EXISTS "IMMUTA_USER_{number}";
"""
        pieces.append(piece)
        written += len(piece)
    return "".join(pieces)


def measure(name: str, size: float) -> dict[str, float]:
    """Seconds, and peak memory over that of the process before the script was there, in multiples of the script."""
    split = splitter(name)
    split("SELECT 1;", "snowflake")
    script = script_of(size, blocks=name not in NO_BLOCKS)
    before = resident()
    seconds = []
    for _attempt in range(ATTEMPTS if size <= 1 else 1):
        start = time.perf_counter()
        found = split(script, "snowflake")
        seconds.append(time.perf_counter() - start)
        statements = len(found)
        del found
    memory = max(peak() - before, 0) / sys.getsizeof(script) + 1
    return {"seconds": min(seconds), "memory": memory, "statements": statements}


def right(name: str) -> tuple[int, int, int, int]:
    """Of the hard cases: right splits, of how many; refused where it must be, of how many."""
    split_right = splits = refused = refusals = 0
    for case in json.loads(CASES.read_text(encoding="utf-8")):
        try:
            found = texts(name, case["script"], case["dialect"])
        except Exception:
            found = None
        if "refuse" in case:
            refusals += 1
            refused += found is None
            continue
        splits += 1
        if found is not None and len(found) == len(case["expect"]):
            # sqlglot writes statements anew, the others keep comments: the number and the last words decide.
            split_right += name == "sqlglot" or all(
                want in have for have, want in zip(found, case["expect"], strict=True)
            )
    return split_right, splits, refused, refusals


def _run(*arguments: str) -> t.Any:
    done = subprocess.run(
        [sys.executable, __file__, *arguments], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it died"])[-1][:60]}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print the tables; 1 when a bound is missed."""
    missed = []
    print(f"{'MiB':>6} {'splitter':<10} {'seconds':>8} {'MiB/s':>7} {'ours is':>8} {'memory':>7} {'statements':>10}")
    ours = {}
    for size in SIZES:
        for name, largest in LARGEST.items():
            if size > largest:
                continue
            got = _run("measure", name, str(size))
            if "error" in got:
                print(f"{size:>6} {name:<10} {got['error']}")
                if name == "ours":
                    missed.append(f"{size} MiB: {got['error']}")
                continue
            if name == "ours":
                ours[size] = got
            ratio = got["seconds"] / ours[size]["seconds"]
            print(
                f"{size:>6} {name + '*' * (name in NO_BLOCKS):<10} {got['seconds']:>8.2f} {size / got['seconds']:>7.1f}"
                f" {ratio:>7.1f}x {got['memory']:>6.1f}x {got['statements']:>10}"
            )
            if name == "sqlparse" and ratio < FASTER_THAN_SQLPARSE:
                missed.append(f"only {ratio:.1f} times faster than sqlparse at {size} MiB")
            if name == "ours" and got["memory"] > MEMORY and size >= 1:
                missed.append(f"{got['memory']:.1f} times the script in memory at {size} MiB")
    print(
        f"* the script without blocks, which {' and '.join(NO_BLOCKS)} can't read; it takes much of the rest for one statement"
    )
    small, large, bound = LINEAR
    growth = ours[large]["seconds"] / large / (ours[small]["seconds"] / small)
    print(f"\nseconds per MiB at {large} MiB / at {small} MiB: {growth:.2f}")
    if growth > bound:
        missed.append(f"not linear: {growth:.2f}")
    print(f"\n{'splitter':<10} {'split right':>12} {'refused':>9}   (hard cases)")
    for name in LARGEST:
        got = _run("right", name)
        if isinstance(got, dict):
            print(f"{name:<10} {got['error']}")
            continue
        split_right, splits, refused, refusals = got
        print(f"{name:<10} {f'{split_right}/{splits}':>12} {f'{refused}/{refusals}':>9}")
        if name == "ours" and (split_right, refused) != (splits, refusals):
            missed.append("a hard case is wrong")
    for line in missed:
        print(f"MISSED: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measure(sys.argv[2], float(sys.argv[3]))))
    elif sys.argv[1:2] == ["right"]:
        print(json.dumps(right(sys.argv[2])))
    else:
        sys.exit(main())
