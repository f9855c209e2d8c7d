# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Breaks the code in one place after the other, and sees whether a test notices. `make mutation` runs it.

The faults are those of mutmut, and three more: a call that is left out, a condition that is turned round, and the bodies
of decorated functions. Unlike mutmut itself this also breaks what stands outside functions (tables, regular
expressions). Every mutant is a file in a copy of the checkout, and runs in a fork of a process that has imported pytest.

It fails when a room has fewer than 90 % killed, when a survivor isn't in tests/mutation/survivors.yml with the reason
why it may survive, and when one that is listed there is killed or doesn't exist any more. Only what was tried counts:
where the time was too short, or a worker was lost, it says how many were not tried, and fails.
"""

from __future__ import annotations

import argparse
import ast
import collections
import contextlib
import difflib
import functools
import gc
import importlib
import itertools
import json
import multiprocessing
import multiprocessing.connection
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import typing as t
from pathlib import Path

import libcst as cst
import yaml
from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
from mutmut.mutation.file_mutation import Mutation, MutationVisitor
from mutmut.mutation.mutators import mutation_operators, operator_string
from mutmut.mutation.pragma_handling import IgnoredCode

ROOT = Path(__file__).resolve().parent.parent
SURVIVORS = ROOT / "tests/mutation/survivors.yml"
LEAST = 90.0
PACKAGE = "ansible_collections.community.immuta"
UTILS, UNIT = "plugins/module_utils", "tests/unit/plugins/module_utils"
# What is broken, and the tests that have to notice: few and fast ones.
ROOMS = {
    # The monsters of test_split show slowness, at a second for each survivor.
    "splitter": (
        ["_sql/split.py", "_sql/dialect.py"],
        ["_sql/test_dialect.py", "_sql/test_split.py", "-knot monsters"],
    ),
    "journal": (["_sql/journal.py"], ["_sql/test_journal.py"]),
    "client": (
        ["_immuta/client.py", "_immuta/operations.py"],
        ["_immuta/test_client.py", "_immuta/test_operations.py"],
    ),
    "plan": (
        ["_immuta/connection.py", "_immuta/removal.py"],
        ["_immuta/test_connection.py", "_immuta/test_removal.py"],
    ),
}
# A mutant may take ten times the processor time of the tests, and a wall time that a loaded machine doesn't reach.
TIMES, LEAST_SECONDS, WALL_SECONDS, MEMORY = 10, 5, 300, 1 << 30


class Mutant(t.NamedTuple):
    """One fault. What identifies it doesn't change when other lines do."""

    room: str
    file: str
    function: str
    diff: str
    code: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.file, self.function, self.diff


def left_out(node: cst.Expr) -> t.Iterator[cst.CSTNode]:
    """A call whose result nobody takes, left out."""
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def other_text(node: cst.BaseString) -> t.Iterator[cst.CSTNode]:
    """Another text. That in other case only tells the same again, but for a regular expression."""
    others = operator_string(node)
    yield from others if isinstance(node, cst.SimpleString) and "r" in node.prefix else itertools.islice(others, 1)


OPERATORS = [
    *(one for one in mutation_operators if one[1] is not operator_string),
    (cst.BaseString, other_text),
    (cst.Expr, left_out),
]


class Visitor(MutationVisitor):
    """Mutmut's, but with the bodies of decorated functions: nothing is copied here, so no decorator runs twice."""

    def _create_mutations(self, node: cst.CSTNode) -> None:
        super()._create_mutations(node)
        if isinstance(node, (cst.If, cst.CompIf)) and not isinstance(node.test, cst.UnaryOperation):
            test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
            self.mutations.append(Mutation(node.test, cst.UnaryOperation(cst.Not(), test), None))

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not isinstance(node, cst.FunctionDef) and super()._skip_node_and_children(node)


def mutants_of(room: str, file: str) -> list[Mutant]:
    """Every fault in a file that gives another program."""
    source = (ROOT / file).read_text("utf-8")
    visitor = Visitor(OPERATORS, IgnoredCode(set(), set(), set()))
    wrapper = MetadataWrapper(cst.parse_module(source))
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(WhitespaceInclusivePositionProvider)
    scopes = functions_of(ast.parse(source))
    starts = [0, *itertools.accumulate(len(line) for line in source.splitlines(keepends=True))]
    seen, mutants = {source}, []
    for mutation in visitor.mutations:
        span = positions[mutation.original_node]
        first, last = (starts[place.line - 1] + place.column for place in (span.start, span.end))
        # Lines inside parentheses lose their indentation, which means nothing there.
        if source[first:last].split() != module.code_for_node(mutation.original_node).split():
            raise RuntimeError(f"line {span.start.line} of {file} is not where it should be")
        code = source[:first] + module.code_for_node(mutation.mutated_node) + source[last:]
        if code in seen:
            continue
        seen.add(code)
        at, length = starts[span.start.line - 1], len(code) - len(source)
        end = starts[min(span.end.line, len(starts) - 1)]
        old, new = ([line.strip() for line in text.splitlines()] for text in (source[at:end], code[at : end + length]))
        diff = "".join(f"{line[0]}{line[2:]}\n" for line in difflib.ndiff(old, new) if line[0] in "+-")
        function = next((name for start, end, name in reversed(scopes) if start <= span.start.line <= end), "")
        mutants.append(Mutant(room, file, function, diff, code))
    return mutants


def functions_of(node: ast.AST, inside: str = "") -> list[tuple[int, int, str]]:
    """First and last line and name of classes and functions, inner ones behind outer ones."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef)):
            name = f"{inside}.{child.name}".lstrip(".")
            found += [(child.lineno, child.end_lineno or child.lineno, name), *functions_of(child, name)]
    return found


class Loop:
    """A pytest plugin: instead of the tests once it runs them in one fork after the other, each with another mutant."""

    def __init__(self, tree: Path, mutants: list[Mutant], taken: t.Any, results: t.Any, end: float) -> None:
        self.tree, self.mutants, self.taken, self.results, self.end = tree, mutants, taken, results, end
        self.place = tree / "ansible_collections/community/immuta"
        self.forked = False
        self.limits: tuple[int, float] | None = None

    def pytest_runtestloop(self, session: t.Any) -> bool | None:
        self._prepare()
        # The file as it is, by the same way: what that takes is the measure.
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        word = self._try(self.mutants[0].file, None, session)
        if self.forked:
            return None
        self.results.send((-1, word))
        if word != "passed":
            return True
        after, taken = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - started
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.limits = int(max(LEAST_SECONDS, TIMES * cpu)), max(WALL_SECONDS, TIMES * taken)
        while time.monotonic() < self.end:
            with self.taken:
                number = self.taken.value
                self.taken.value += 1
            if number >= len(self.mutants):
                break
            word = self._try(self.mutants[number].file, self.mutants[number].code, session)
            if self.forked:
                return None
            self.results.send((number, word))
        return True

    def _prepare(self) -> None:
        # What is loaded now is compiled. What is mutated never is: two mutants could look alike to the cache.
        for file in {mutant.file for mutant in self.mutants}:
            for compiled in (self.place / file).parent.glob(f"__pycache__/{Path(file).stem}.*"):
                compiled.unlink()
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        # Once for all forks.
        for key, module in list(sys.modules.items()):
            if key.startswith(PACKAGE):
                imports_of(module)
        if described := sys.modules.get(f"{PACKAGE}.tests.doubles.immuta_contract"):
            described.contract()
        gc.freeze()

    def _try(self, file: str, code: str | None, session: t.Any) -> str:
        """What the tests say, in a fork; in the fork itself this returns before they have run."""
        original = (self.place / file).read_text("utf-8")
        try:
            ast.parse(code or original)
        except SyntaxError:
            return "invalid"
        (self.place / file).write_text(code or original, "utf-8")
        started, child = time.monotonic(), os.fork()
        if child == 0:
            self._become(file, session)
            return ""
        word = self._wait(child, started)
        (self.place / file).write_text(original, "utf-8")
        self._move_forward(session.items)
        return word

    def pytest_runtest_logreport(self, report: t.Any) -> None:
        if report.failed:
            (self.tree / "killer").write_text(report.nodeid, "utf-8")

    def _move_forward(self, items: list[t.Any]) -> None:
        """The test that has noticed this mutant comes first for the next one, which is likely to be near it."""
        with contextlib.suppress(FileNotFoundError):
            killer = (self.tree / "killer").read_text("utf-8")
            (self.tree / "killer").unlink()
            items.sort(key=lambda item: item.nodeid != killer)

    def _become(self, file: str, session: t.Any) -> None:
        """Load the module anew, and what imports it, and let the tests use that."""
        self.forked = True
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        if self.limits:
            resource.setrlimit(resource.RLIMIT_CPU, (self.limits[0], self.limits[0] + 5))
        try:
            renew(f"{PACKAGE}.{file[: -len('.py')].replace('/', '.')}", {item.module for item in session.items})
        except BaseException:
            # It can't even be imported.
            traceback.print_exc()
            os._exit(1)

    def _wait(self, child: int, started: float) -> str:
        limit = self.limits[1] if self.limits else 3600.0
        while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < started + limit:
            time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if not ended[0]:
            os.waitpid(child, 0)
            return "stuck"
        code = os.waitstatus_to_exitcode(ended[1])
        return "passed" if code == 0 else "busy" if code in (-signal.SIGXCPU, -signal.SIGKILL) else "failed"


def renew(name: str, tests: set[t.Any]) -> None:
    """Import a module anew, and all of the collection that is loaded and depends on it; then let the tests do so.

    What a test keeps of the old one (in its parameters) sees no fault: a mistake here makes a survivor, not a kill.
    """
    ours = {key: module for key, module in sys.modules.items() if key.startswith(PACKAGE) and module not in tests}
    stale = {name}
    while more := {key for key, module in ours.items() if key not in stale and stale & imports_of(module)}:
        stale |= more
    for key in stale & ours.keys():
        del sys.modules[key]
        # Or else "from package import module" would find the old one.
        package, _dot, module = key.rpartition(".")
        delattr(sys.modules[package], module)
    for test in tests:
        # Its functions, which pytest has collected, find the new objects among their globals.
        importlib.reload(test)


@functools.cache
def imports_of(module: t.Any) -> set[str]:
    """The names of modules that a module may import."""
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8")) if module.__file__ else ast.Module([])):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def work(tree: Path, mutants: list[Mutant], taken: t.Any, results: t.Any, end: float) -> None:
    """Try mutants until there are no more, or the time is up."""
    place = copy_to(tree)
    sys.dont_write_bytecode = False
    os.environ["PYTHONPATH"] = str(tree)
    sys.path.insert(0, str(tree))
    os.chdir(place)
    output = os.open(tree / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    loop = Loop(tree, mutants, taken, results, end)
    tests = [one if one.startswith("-") else f"{UNIT}/{one}" for one in ROOMS[mutants[0].room][1]]
    import pytest

    status = pytest.main(
        ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", f"--basetemp={tree / 'temporary'}", *tests], [loop]
    )
    if loop.forked:
        sys.stdout.flush()
        os._exit(int(status))
    if loop.limits is None:
        results.send((-1, "no run"))


def copy_to(tree: Path) -> Path:
    """A tree with a copy of the checkout; links don't do, for the mutants are written into it."""
    place = tree / "ansible_collections/community/immuta"
    shutil.rmtree(tree, ignore_errors=True)
    place.mkdir(parents=True)
    for name in ("galaxy.yml", "meta", "plugins", "pyproject.toml", "roles", "tests"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", "output"))
        else:
            shutil.copy(ROOT / name, place / name)
    return place


def try_all(room: str, mutants: list[Mutant], workers: int, base: Path, record: Path, end: float) -> list[str]:
    """What became of each mutant of a room: nothing, if it was not tried. The survivors are recorded as they are found."""
    # No queue with a thread: forks don't go with threads.
    context = multiprocessing.get_context("fork")
    taken = context.Value("i", 0)
    trees = [base / f"{room}{number}" for number in range(workers)]
    processes, results = {}, []
    for tree in trees:
        mine, others = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(tree, mutants, taken, others, end))
        process.start()
        processes[process.sentinel] = process
        results.append(mine)
    became = [""] * len(mutants)
    record.write_text("[]", "utf-8")
    try:
        # Without a process left, what can be read at once is all there is.
        while ready := multiprocessing.connection.wait([*results, *processes], None if processes else 0):
            for one in ready:
                if one in processes:
                    # Ended or lost. What it has sent is still there to be read.
                    processes.pop(one).join()
                    continue
                try:
                    number, word = one.recv()
                except EOFError:
                    results.remove(one)
                    continue
                if number >= 0:
                    note(room, mutants, became, number, word, record)
                elif word != "passed":
                    for tree in trees:
                        if (tree / "output").exists():
                            print((tree / "output").read_text("utf-8")[-3000:])
                    sys.exit(f"the tests of {room} fail on what is not mutated: {word}")
    except KeyboardInterrupt:
        print(f"{room}: interrupted", flush=True)
    finally:
        for process in processes.values():
            process.terminate()
            process.join()
    return became


def note(room: str, mutants: list[Mutant], became: list[str], number: int, word: str, record: Path) -> None:
    """Keep what became of a mutant, and tell how far it is."""
    became[number] = word
    if word == "passed":
        survivors = [one.key for one, word in zip(mutants, became, strict=True) if word == "passed"]
        record.write_text(json.dumps(survivors, indent=1), "utf-8")
    if (count := len(became) - became.count("")) % 50 == 0:
        print(f"{room}: {count} of {len(mutants)}, {became.count('passed')} survive", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=f"of {', '.join(ROOMS)}; all when none is named")
    parser.add_argument("--base", type=Path, required=True, help="a folder for copies and results")
    parser.add_argument("--again", action="store_true", help="only those that survived the last time")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no mutant after this time")
    options = parser.parse_args()
    rooms = options.rooms or list(ROOMS)
    if strange := set(rooms) - ROOMS.keys():
        parser.error(f"there is no room {', '.join(strange)}")
    base, end = options.base.resolve(), time.monotonic() + 60 * options.minutes
    mutants, became = [], []
    for room in rooms:
        of_room = [one for file in ROOMS[room][0] for one in mutants_of(room, f"{UTILS}/{file}")]
        record = base / f"{room}.json"
        if options.again:
            last = {tuple(key) for key in json.loads(record.read_text("utf-8"))}
            of_room = [one for one in of_room if one.key in last]
        print(f"{room}: {len(of_room)} mutants", flush=True)
        mutants += of_room
        became += try_all(room, of_room, options.workers, base, record, end) if of_room else []
    survivors = [one for one, word in zip(mutants, became, strict=True) if word == "passed"]
    untried = collections.Counter(one.key for one, word in zip(mutants, became, strict=True) if not word)

    listed = yaml.safe_load(SURVIVORS.read_text("utf-8")) or [] if SURVIVORS.exists() else []
    files = {f"{UTILS}/{file}" for room in rooms for file in ROOMS[room][0]}
    known = collections.Counter(
        (one["file"], one["function"], one["diff"]) for one in listed if one["why"] and one["file"] in files
    )
    found = collections.Counter(one.key for one in survivors)
    bad = 0
    for title, keys in (
        ("survives, and is not listed", found - known),
        ("is listed, but doesn't survive", known - found - untried),
    ):
        for (file, function, diff), times in sorted(keys.items()):
            bad += 1
            print(f"\n{title}{f' ({times} times)' if times > 1 else ''}: {file} {function}\n{diff.rstrip()}")
    print()
    for room in rooms:
        words = [word for one, word in zip(mutants, became, strict=True) if one.room == room and word != "invalid"]
        if left := words.count(""):
            bad += 1
            print(f"{room}: {left} of {len(words)} mutants were NOT TRIED; the next line is about the others only")
        tried = len(words) - left
        killed = 100 * (1 - words.count("passed") / max(tried, 1))
        bad += killed < LEAST and not options.again
        print(
            f"{room}: {tried} mutants tried, {killed:.1f} % killed ({words.count('busy')} of them by the processor's clock,"
            f" {words.count('stuck')} by the wall's), {words.count('passed')} survive"
        )
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
