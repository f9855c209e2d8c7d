# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of this collection, one session each.

`nox` runs the quick ones, `nox -s NAME` one, `make test` those tagged test, `make matrix` those tagged matrix. Arguments
after `--` go to pytest or ansible-test; paths among them replace a session's own: `nox -s units_newest -- PATH -k WORD`.
"""

from __future__ import annotations

import collections
import contextlib
import fnmatch
import os
import re
import shutil
import sys
import tarfile
import tempfile
import typing as t
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
NAME = "community/immuta"
PACKAGE = "ansible_collections.community.immuta"
# What a checkout holds and the built collection must not: what only a checkout can run, or is about. And what it must hold.
NOT_BUILT = re.compile(
    r"^(\.(?!$)|noxfile|Makefile|pyproject|CONTRIBUTING|demo|tools|tests|docs/architecture|extensions/molecule"
    r"|changelogs/fragments)"
)
BUILT = (
    "README.md",
    "meta/runtime.yml",
    "playbooks/plan.yml",
    "extensions/awx/load.yml",
    "docs/examples/executors/snow.yml",
)

sys.path.insert(0, str(ROOT / "tools"))
import index  # noqa: E402
import pythons  # noqa: E402


def folder_of_environments() -> Path:
    """Where nox keeps its environments: .nox, or, as scripts of Python can't live below a path with a space, where it leads."""
    place = ROOT / ".nox"
    if " " in str(ROOT) and not place.exists():
        place.unlink(missing_ok=True)
        place.symlink_to(tempfile.mkdtemp(prefix="nox-"))
    return place.resolve()


NOX = folder_of_environments()


class Target(t.NamedTuple):
    """An ansible-core, its Python, and the platforms' clients that go with it."""

    core: str
    python: str
    clients: tuple[str, ...]


# The ends of what is supported.
OLDEST = Target(
    "ansible-core~=2.16.0",
    pythons.first("3.10", "3.11", "3.12"),
    ("snowflake-connector-python>=4.5,<5", "databricks-sql-connector>=4.1,<4.2", "databricks-sdk"),
)
NEWEST = Target(
    "ansible-core>=2.21",
    pythons.first("3.14", "3.13", "3.12"),
    ("snowflake-connector-python>=5", "databricks-sql-connector>=4.2", "databricks-sdk"),
)
# Every ansible-core that is supported, and the Python that its controller runs on here.
MATRIX = {
    "2.16": OLDEST.python,
    "2.17": pythons.first("3.10", "3.11", "3.12"),
    "2.18": pythons.first("3.11", "3.12", "3.13"),
    "2.19": pythons.first("3.12", "3.11", "3.13"),
    "2.20": pythons.first("3.12", "3.13", "3.14"),
    "2.21": NEWEST.python,
}
# What comes next, and nobody has released.
DEVEL = "https://github.com/ansible/ansible/archive/devel.tar.gz"
# Guides name each other by their addresses on GitHub, which work there; on the site, the links stay on it. antsibull-docs takes no
# pictures along.
CONFIGURATION_OF_THE_SITE = """
# No inventory of another site is fetched, so references into those sites can't be resolved.
intersphinx_mapping = {}
nitpick_ignore_regex = [('std:ref', 'ansible_.*|action_plugins|common_return_values'), ('std:envvar', 'ANSIBLE_.*')]

def setup(app):
    import re, shutil
    guide = re.compile(r"<https://github.com/[^>]*/docs/docsite/rst/(\\w+)\\.rst(#[^>]*)?>")

    def stay(app, name, source):
        source[0] = guide.sub(r"<\\1.html\\2>", source[0])

    app.connect("source-read", stay)
    shutil.copytree(IMAGES, f"{app.srcdir}/docsite/images", dirs_exist_ok=True)
"""
# For tools that don't care.
MIDDLE = pythons.first("3.13", "3.12")
# The examples of pipelines, by the schema that they keep.
PIPELINES = {"github-workflows": "github-actions", "gitlab-ci": "gitlab-ci", "azure-pipelines": "azure-pipelines"}
DOUBLES = ("openapi-core", "pyyaml", "cryptography")
# The oldest that README.md and meta/ee-requirements.txt allow, which Debian 12 has; and the oldest beside Snowflake's client.
OLDEST_HTTP = ("requests==2.28.1", "urllib3==1.26.12")
OLDEST_WITH_CLIENTS = ("requests==2.32.4", "urllib3==2.0.7")
# AWX injects credentials with the one; the other is the last that brings awx.awx.
AWX_PLUGINS = "awx-plugins-interfaces==0.0.1a5"
AWX_COLLECTIONS = "ansible<13"
# SQLite's ODBC driver and unixODBC, with what they need and pyodbc doesn't bring.
ODBC_PACKAGES = ("libltdl7", "libodbc2", "libodbcinst2", "libsqlite3-0", "libsqliteodbc")
# Per cent of the mutants of a file that the tests have to notice.
LEAST_NOTICED = 90

nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.envdir = str(NOX)
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False
nox.options.sessions = ["lint", "types", "units_newest", "sanity_newest"]
os.environ["PATH"] = pythons.path()
# `make test` has set it for all its sessions.
if "UV_SYSTEM_CERTS" not in os.environ:
    os.environ.update(index.of_pip(os.environ))


def everywhere(session: nox.Session) -> dict[str, str]:
    """The environment of every command: a home of its own, so that the machine's settings don't count."""
    home = NOX / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(tree()),
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "PYTHONPATH": str(tree()),
        # Compiled once, only what is imported, and not next to the sources.
        "PYTHONPYCACHEPREFIX": str(NOX / "pycache"),
        # Containers like to set this, and every module of every play would be compiled again.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PATH": os.pathsep.join([str(Path(session.virtualenv.location) / "bin"), os.environ["PATH"]]),
    }


def tree() -> Path:
    """A collections path that leads to this checkout."""
    place = NOX / "tree" / "ansible_collections" / NAME
    if not place.is_symlink():
        place.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            place.symlink_to(ROOT)
    return NOX / "tree"


def copy(session: nox.Session) -> Path:
    """A collections path with a copy of what git knows of this checkout, for tools that don't work through a link."""
    base = Path(session.create_tmp()).resolve() / "copy"
    place = base / "ansible_collections" / NAME
    shutil.rmtree(base, ignore_errors=True)
    listed = str(session.run("git", "ls-files", "-z", "-co", "--exclude-standard", external=True, silent=True))
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    # Without a repository of its own ansible-test would ask the outer one, which ignores this folder.
    session.run("git", "init", "-q", str(place), external=True, silent=True)
    return base


def empty_folder(session: nox.Session, name: str) -> Path:
    """A folder of the session that nothing is in."""
    place = Path(session.create_tmp()).resolve() / name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    return place


def install(session: nox.Session, target: Target, *packages: str) -> None:
    """Install what the tests of a target need."""
    session.install(target.core, *target.clients, "requests", "pytest", *DOUBLES, *packages)


def pytest(
    session: nox.Session,
    *options: str,
    paths: t.Iterable[str],
    env: dict[str, str] | None = None,
    given: t.Sequence[str] | None = None,
) -> None:
    """Run pytest on the paths, or those that the arguments name instead. Nothing collected is exit status 5: a failure."""
    given = session.posargs if given is None else given
    named = any("/" in one and (ROOT / one.partition("::")[0]).exists() for one in given)
    arguments = [*options, *(() if named else paths), *given]
    environment = {**everywhere(session), **(env or {})}
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments, env=environment)


def ansible_test(session: nox.Session, core: str, *arguments: str) -> None:
    """Run ansible-test in a copy; a run that tests nothing fails."""
    # Compiled, since ansible-test lets none of its processes do so.
    session.install(core, "pip", env={"UV_COMPILE_BYTECODE": "1"})
    # ansible-test takes pip from its own host; where tools/get_pip.py is in its place, from the package index.
    cache = NOX / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    site = next(Path(session.virtualenv.location).glob("lib/python*/site-packages"))
    text = (site / "ansible_test/_internal/python_requirements.py").read_text()
    for version in sorted(set(re.findall(r"pip='([0-9.]+)'", text))):
        if not list(cache.glob(f"pip-{version}-*.whl")):
            session.run("python", "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), f"pip=={version}")
        shutil.copy(ROOT / "tools" / "get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")
    with session.chdir(copy(session) / "ansible_collections" / NAME):
        environment = {**everywhere(session), "PYTHONPATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
        environment["PYTHONPYCACHEPREFIX"] = ""
        output = str(session.run("ansible-test", *arguments, "--color", "no", silent=True, env=environment))
    session.log(output)
    if re.search(r"All targets skipped|No tests? (?:applicable|found)|no tests ran|collected 0 items", output):
        session.error("ansible-test had nothing to test")


# `make test`; the long ones first, so that they don't run alone in the end.


@nox.session(python=NEWEST.python, tags=["test"])
def integration_newest(session: nox.Session) -> None:
    """Run the playbooks on the newest ansible-core; modules that need no process of their own are forked."""
    install(session, NEWEST, "pytest-xdist")
    # -rP shows the numbers that tests print: requests, module tasks, payloads.
    workers = [] if session.posargs else ["-n2", "--dist", "worksteal"]
    options = ("-p", "xdist", *workers, "-rP", "--durations=10")
    pytest(session, *options, paths=["tests/integration"], env={"FORKED_MODULES": "1"})


@nox.session(python=NEWEST.python, tags=["test"])
def units_newest(session: nox.Session) -> None:
    """Run the unit tests on the newest ansible-core, Python, and clients; with arguments in one process."""
    install(session, NEWEST, "pytest-xdist", "hypothesis")
    pytest(session, "-p", "xdist", *([] if session.posargs else ["-n2"]), paths=["tests/unit"])


@nox.session(python=OLDEST.python, tags=["test"])
def units_oldest(session: nox.Session) -> None:
    """Run the unit tests on the oldest ansible-core, Python, and clients; stand-ins and random scripts need one run only.

    Snowflake's client needs a newer requests than the modules for Immuta, which have a second run on the oldest of their own.
    """
    install(session, OLDEST, "pytest-xdist", "hypothesis", *OLDEST_WITH_CLIENTS)
    random_scripts = "tests/unit/plugins/module_utils/_sql/test_split_properties.py"
    workers = [] if session.posargs else ["-n2", f"--ignore={random_scripts}"]
    pytest(session, "-p", "xdist", *workers, paths=["tests/unit/plugins"])
    if session.posargs:
        return
    session.install(*OLDEST_HTTP)
    installed = str(session.run("python", "-c", "import requests, urllib3; print(urllib3.__version__)", silent=True))
    if not installed.startswith("1.26."):
        session.error(f"urllib3 {installed.strip()} is not the oldest")
    pytest(session, "-p", "xdist", "-n2", paths=["tests/unit/plugins/module_utils/_immuta"])


def prove(session: nox.Session, *folders: str, every: bool) -> None:
    """Run proofs on the newest ansible-core: a fixed few of their points, or all of them on all cores.

    E(PART) is for several machines that share the work: 2/4 is the second of four parts.
    """
    packages = ("pytest-xdist", "pytest-split", "hypothesis", "schemathesis", "ansible-runner", "pyopenssl", "trustme")
    install(session, NEWEST, *packages)
    # The long tests are side by side: a worker that has nothing to do takes some from another one.
    options = ["-p", "xdist", "-n", str(os.cpu_count()), "--dist", "worksteal"] if every else ["--durations=5"]
    if part := os.environ.get("PART"):
        group, _slash, parts = part.partition("/")
        options += ["-p", "pytest_split.plugin", "--splits", parts, "--group", group]
    pytest(session, *options, paths=folders, env={"EVERY_POINT": "1"} if every else {})


@nox.session(python=NEWEST.python, tags=["test"])
def proofs(session: nox.Session) -> None:
    """Prove on a fixed few of all points that nothing is lost, nothing leaks, and no success is claimed wrongly."""
    prove(session, "tests/crash", "tests/faults", "tests/leak", "tests/property", "tests/contract", every=False)


@nox.session(python=NEWEST.python, tags=["test"])
def sanity_newest(session: nox.Session) -> None:
    """Run ansible-test sanity on the newest ansible-core and Python; `matrix` adds pylint of the tests, and other Pythons."""
    sanity = ("sanity", "--local", "--python", NEWEST.python)
    if session.posargs:
        return ansible_test(session, NEWEST.core, *sanity, *session.posargs)
    ansible_test(session, NEWEST.core, *sanity, "--skip-test", "pylint")
    return ansible_test(session, NEWEST.core, *sanity, "--test", "pylint", "--exclude", "tests/")


@nox.session(python=OLDEST.python, tags=["test"])
def sanity_oldest(session: nox.Session) -> None:
    """Run ansible-test sanity on the oldest ansible-core and Python; `matrix` adds the tests, pylint, and other Pythons."""
    less = ("--skip-test", "pylint", "--exclude", "tests/")
    ansible_test(session, OLDEST.core, "sanity", "--local", "--python", OLDEST.python, *less, *session.posargs)


@nox.session(python=MIDDLE, tags=["test"])
def molecule(session: nox.Session) -> None:
    """Run the molecule scenarios."""
    install(session, NEWEST, "molecule")
    output = str(session.run("molecule", "test", "--all", silent=True, env=everywhere(session)))
    session.log(output)
    if "no hosts matched" in output:
        session.error("a scenario ran on no host")


@nox.session(python=MIDDLE, tags=["test"])
def awx(session: nox.Session) -> None:
    """Load the definitions for AWX, and run jobs as AWX does."""
    install(session, NEWEST, AWX_PLUGINS)
    # For its collections, without the ansible-core that it wants.
    session.install("--no-deps", AWX_COLLECTIONS)
    pytest(session, "--durations=5", paths=["tests/awx"])


@nox.session(python=OLDEST.python, tags=["test"])
def integration_oldest(session: nox.Session) -> None:
    """Run a fixed few of the playbooks on the oldest ansible-core; `matrix` runs all of them there."""
    install(session, OLDEST)
    pytest(session, *([] if session.posargs else ["-m", "oldest"]), "--durations=5", paths=["tests/integration"])


@nox.session(python=MIDDLE, tags=["test"])
def browser(session: nox.Session) -> None:
    """Look at the role's report in a real browser: the one that CHROMIUM names, one that is on PATH, or Debian's."""
    install(session, NEWEST, "playwright")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        session.run("apt-get", "-q", "update", external=True, silent=True)
        apt = ("apt-get", "-q", "-y", "--no-install-recommends", "install", "chromium")
        session.run(*apt, external=True, silent=True, env={"DEBIAN_FRONTEND": "noninteractive"})
        found = shutil.which("chromium")
    if found is None:
        session.error("there is no Chromium here: install it, or set CHROMIUM=/path/to/chromium")
    pytest(session, "--durations=3", paths=["tests/browser"], env={"CHROMIUM": found})


@nox.session(python=NEWEST.python, tags=["test"])
def runner(session: nox.Session) -> None:
    """Run a workflow's jobs under the engine of AWX."""
    install(session, NEWEST, "ansible-runner")
    pytest(session, paths=["tests/runner"])


@nox.session(python=MIDDLE, tags=["test"])
def galaxy(session: nox.Session) -> None:
    """Build the collection and have Galaxy's importer judge it."""
    session.install("galaxy-importer", NEWEST.core, "setuptools<81")
    base, dist = copy(session) / "ansible_collections" / NAME, empty_folder(session, "dist")
    environment = {**everywhere(session), "GALAXY_IMPORTER_CONFIG": str(ROOT / "tests/galaxy-importer.cfg")}
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(dist), str(base), env=environment)
    tarball = next(dist.glob("*.tar.gz"))
    with tarfile.open(tarball) as built:
        names = built.getnames()
    if strange := [name for name in names if NOT_BUILT.match(name)]:
        session.error(f"these should not be in the collection: {strange}")
    if missing := set(BUILT) - set(names):
        session.error(f"these should be in the collection: {missing}")
    # As on a controller without a network, where nothing of the checkout is found.
    alone = {**environment, "ANSIBLE_COLLECTIONS_PATH": str(dist / "installed"), "PYTHONPATH": ""}
    name = NAME.replace("/", ".")
    session.run("ansible-galaxy", "collection", "install", "--offline", str(tarball), env=alone)
    session.run("ansible-galaxy", "collection", "verify", "--offline", name, env=alone)
    session.run("ansible-playbook", "--syntax-check", f"{name}.plan", env=alone)
    with session.chdir(dist):
        output = str(session.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True, env=environment))
    session.log(output)
    # Its exit status says nothing of warnings, and of errors in modules.
    if found := re.findall(r"^(?:WARNING|ERROR):.*", output, re.MULTILINE):
        session.error("galaxy-importer objects: " + " ".join(found))
    if "Importer processing completed successfully" not in output:
        session.error("galaxy-importer did not come to its end")


@nox.session(python=MIDDLE, tags=["test"])
def demo(session: nox.Session) -> None:
    """Run the demo, as `make demo` does."""
    install(session, NEWEST)
    session.run("python", "tools/demo.py", str(empty_folder(session, "demo")), env=everywhere(session))


@nox.session(python=MIDDLE, tags=["test"])
def lint(session: nox.Session) -> None:
    """Run ansible-lint, yamllint, ruff, and reuse, and hold the examples of pipelines against their schemas."""
    session.install("ansible-lint", NEWEST.core, "yamllint", "ruff", "reuse", "check-jsonschema")
    for command in (
        "ruff check --no-cache .",
        "ruff format --no-cache --check .",
        "yamllint --strict .",
        "reuse lint --quiet",
        "check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/checks.yml",
        *(
            f"check-jsonschema --builtin-schema vendor.{schema} docs/examples/pipelines/{example}.yml"
            for schema, name in PIPELINES.items()
            for example in (name, f"register-{name}")
        ),
        "ansible-lint --profile production --offline --strict",
    ):
        session.run(*command.split(), env=everywhere(session))


@nox.session(python=MIDDLE, tags=["test"])
def types(session: nox.Session) -> None:
    """Check the types of the plugins, of what the tests share, and of the tools."""
    install(session, NEWEST, "mypy", "types-requests", "types-pyyaml", "hypothesis", "nox")
    packages = [
        f"{PACKAGE}.{name}" for name in ("plugins", "tests.doubles", "tests.harness", "tests.crash", "tests.live")
    ]
    modules = ["noxfile", *(one.stem for one in (ROOT / "tools").glob("*.py"))]
    session.run(
        *("mypy", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={Path(session.create_tmp()) / 'mypy'}"),
        *("--namespace-packages", "--explicit-package-bases"),
        *(word for name in packages for word in ("-p", name)),
        *(word for name in modules for word in ("-m", name)),
        env={**everywhere(session), "MYPYPATH": os.pathsep.join(map(str, (tree(), ROOT, ROOT / "tools")))},
    )


def odbc_driver(session: nox.Session) -> dict[str, str]:
    """The environment in which the tests find an ODBC driver: the one that ODBC_DRIVER names, or Debian's."""
    if driver := os.environ.get("ODBC_DRIVER"):
        return {"ODBC_DRIVER": driver}
    place = NOX / "debian"
    if not (place / "root").is_dir():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            session.error("there is no apt-get here: install unixODBC, and set ODBC_DRIVER=/path/to/libsqlite3odbc.so")
        shutil.rmtree(place, ignore_errors=True)
        # Folders of its own, so that neither root nor the machine's package lists are needed.
        for name in ("lists/partial", "archives/partial", "unpacked"):
            (place / name).mkdir(parents=True)
        options = [f"Dir::State::lists={place / 'lists'}", f"Dir::Cache={place}", "APT::Sandbox::User="]
        apt = ["apt-get", "-q", *(f"-o{option}" for option in options)]
        with session.chdir(place):
            session.run(*apt, "update", external=True, silent=True)
            session.run(*apt, "download", *ODBC_PACKAGES, external=True, silent=True)
            for package in sorted(place.glob("*.deb")):
                session.run("dpkg-deb", "-x", str(package), str(place / "unpacked"), external=True)
        (place / "unpacked").rename(place / "root")
    found = next((place / "root").rglob("libsqlite3odbc.so"))
    return {"ODBC_DRIVER": str(found), "LD_LIBRARY_PATH": str(found.parent.parent)}


@nox.session(python=MIDDLE, tags=["test"])
def odbc(session: nox.Session) -> None:
    """Run the example executors: unixODBC with community.general, and the vendors' command lines."""
    # snow wants a Snowflake client of its own choice.
    install(session, NEWEST._replace(clients=("databricks-sql-connector>=4.2",)), "pyodbc", "snowflake-cli")
    session.install("--no-deps", "ansible")
    pytest(session, paths=["tests/odbc"], env=odbc_driver(session))


@nox.session(python=MIDDLE, tags=["test"])
def fakesnow(session: nox.Session) -> None:
    """Run scripts on fakesnow, a Snowflake that nobody here wrote."""
    clients = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5", "databricks-sql-connector>=4.2")
    install(session, NEWEST._replace(clients=clients))
    pytest(session, paths=["tests/oracle/test_fakesnow.py"])


@nox.session(python=MIDDLE, tags=["test"])
def oracle(session: nox.Session) -> None:
    """Have sqlfluff's grammars judge what the splitter calls a statement."""
    install(session, NEWEST._replace(clients=()), "sqlfluff>=4")
    pytest(session, paths=["tests/oracle/test_sqlfluff.py"])


@nox.session(python=MIDDLE, tags=["test"])
def docs(session: nox.Session) -> None:
    """Check the documentation, and the changelog with its fragments."""
    session.install("antsibull-docs", "antsibull-changelog", NEWEST.core)
    lint = ("antsibull-docs", "lint-collection-docs", ".", "--plugin-docs", "--validate-collection-refs=self")
    # It takes the name of its own temporary folder for a link where the name happens to end in "_"; the next one won't.
    complaints = str(session.run(*lint, silent=True, success_codes=[0, 3], env=everywhere(session)))
    if complaints:
        session.log(complaints)
        if 'Unknown target name: "antsibull-docs-' not in complaints:
            session.error("the documentation has errors")
        session.run(*lint, env=everywhere(session))
    session.run("antsibull-changelog", "lint", env=everywhere(session))


@nox.session(python=MIDDLE, tags=["test"])
def ee(session: nox.Session) -> None:
    """Check what an execution environment takes from the collection, and that the example makes one."""
    # It reads the requirements of collections, which takes a module that newer ones don't have.
    session.install("ansible-builder", "setuptools<81")
    environment = everywhere(session)
    introspect = ("ansible-builder", "introspect", "--sanitize", str(copy(session)))
    output = str(session.run(*introspect, silent=True, env=environment))
    session.log(output)
    found = re.findall(r"^- '([\w-]+)([^#']*)", output, re.MULTILINE)
    wanted = {"requests", "urllib3", "snowflake-connector-python", "databricks-sql-connector", "databricks-sdk"}
    if {name for name, _version in found} != wanted:
        session.error(f"the requirements are not {wanted}")
    if capped := [name for name, version in found if re.search("<|==|~=|!=", version)]:
        session.error(f"these would be held back: {capped}")
    example = ROOT / "extensions/execution-environment/execution-environment.yml"
    context = empty_folder(session, "context")
    session.run("ansible-builder", "create", "-f", str(example), "-c", str(context), silent=True, env=environment)
    if "community.immuta" not in (context / "_build/requirements.yml").read_text():
        session.error("the image would not have the collection")
    if "ansible-core~=2.20.0" not in next(context.glob("[CD]*file")).read_text():
        session.error("the image would not have ansible-core")


# Not part of `make test`


def every_test(session: nox.Session, target: Target) -> None:
    """Run all playbooks, ansible-test units, and all of sanity, or those of the three that the arguments name."""
    parts = session.posargs or ["integration", "units", "sanity"]
    if strange := set(parts) - {"integration", "units", "sanity"}:
        session.error(f"there is no part {strange}")
    if "integration" in parts:
        install(session, target)
        pytest(session, "-rP", paths=["tests/integration"], given=())
    if "units" in parts:
        ansible_test(session, target.core, "units", "--venv", "--python", target.python)
    if "sanity" in parts:
        ansible_test(session, target.core, "sanity", "--local")


@nox.session(tags=["matrix"])
@nox.parametrize("python,core", [(python, core) for core, python in MATRIX.items()], ids=list(MATRIX))
def matrix(session: nox.Session, core: str) -> None:
    """Run all playbooks, ansible-test units, and all of sanity on each ansible-core that is supported."""
    clients = (NEWEST if core == list(MATRIX)[-1] else OLDEST).clients
    every_test(session, Target(f"ansible-core~={core}.0", str(session.python), clients))


@nox.session(python=NEWEST.python)
def devel(session: nox.Session) -> None:
    """Run the same on the ansible-core that nobody has released; it comes from GitHub."""
    every_test(session, NEWEST._replace(core=DEVEL))


@nox.session(python=MIDDLE, tags=["matrix"])
def site(session: nox.Session) -> None:
    """Build the documentation's site, where every warning is an error."""
    session.install("antsibull-docs", NEWEST.core, "ansible-pygments", "sphinx", "sphinx-ansible-theme")
    place, environment = empty_folder(session, "site"), everywhere(session)
    options = ("--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(place))
    session.run("antsibull-docs", "sphinx-init", *options, NAME.replace("/", "."), silent=True, env=environment)
    with (place / "conf.py").open("a") as conf:
        conf.write(f"\nIMAGES = {str(ROOT / 'docs/docsite/rst/images')!r}\n{CONFIGURATION_OF_THE_SITE}")
    (place / "rst").mkdir(mode=0o700, exist_ok=True)
    session.run("bash", str(place / "build.sh"), external=True, silent=True, env=environment)
    session.log(f"Open {place / 'build/html/index.html'}")


@nox.session(python=MIDDLE)
def pages(session: nox.Session) -> None:
    """Write what of the documentation is made from something else: the page of the error codes, and the pictures."""
    session.install(NEWEST.core, "requests")
    session.run("python", "tools/pages.py", env=everywhere(session))


@nox.session(python=NEWEST.python)
def crash(session: nox.Session) -> None:
    """Kill the role at every point and run it again."""
    prove(session, "tests/crash", every=True)


@nox.session(python=NEWEST.python)
def faults(session: nox.Session) -> None:
    """Run the role through every fault of the servers and every variant of the API."""
    prove(session, "tests/faults", every=True)


@nox.session(python=NEWEST.python)
def canaries(session: nox.Session) -> None:
    """Look for secrets in all that every path leaves behind."""
    prove(session, "tests/leak", every=True)


@nox.session(python=NEWEST.python)
def live(session: nox.Session) -> None:
    """Remove a real connection, which the environment names twice as one that may be deleted: tests/live/live.py."""
    # Before anything is installed.
    session.run("python", "tests/live/live.py")
    install(session, NEWEST)
    # The platforms' clients find files of the user's below HOME.
    pytest(session, "-x", "--durations=0", paths=["tests/live"], env={"HOME": os.environ["HOME"]})


@nox.session(python=MIDDLE)
def coverage(session: nox.Session) -> None:
    """Measure what of the code the unit tests reach."""
    install(session, NEWEST, "pytest-cov", "hypothesis")
    options = ("-p", "pytest_cov", f"--cov={PACKAGE}.plugins", "--cov-branch", "--cov-report=term")
    pytest(session, *options, paths=["tests/unit"])


@nox.session(python=NEWEST.python)
def mutation(session: nox.Session) -> None:
    """Let mutmut break the code in every place; fail where the tests notice too little. What: pyproject.toml.

    Arguments are names of mutants, for one file: `-- "*._sql.journal.*"`.
    """
    install(session, NEWEST, "mutmut>=3.8", "hypothesis")
    base = copy(session)
    # Where mutmut looks for it: it has to stand above ansible_collections, since it makes names of paths.
    shutil.copy(ROOT / "pyproject.toml", base)
    # Only the copies that mutmut makes may be imported.
    environment = {**everywhere(session), "PYTHONPATH": "", "PYTHONPYCACHEPREFIX": ""}
    with session.chdir(base):
        session.run("mutmut", "run", *session.posargs, silent=True, env=environment)
        listed = str(session.run("mutmut", "results", "--all", "true", silent=True, env=environment))
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for name, file, word in re.findall(r"^ *((\S+)\.x\S+): (.*)$", listed, re.MULTILINE):
        if word != "not checked":
            found[f"{file.removeprefix(PACKAGE)[1:].replace('.', '/')}.py"][word] += 1
        if word not in ("killed", "not checked"):
            session.log(f"{word}: {name}")
    missed = []
    for file, words in sorted(found.items()):
        noticed = 100 * (words["killed"] + words["timeout"]) / words.total()
        session.log(f"{file}: {noticed:.1f} % of {words.total()} ({', '.join(f'{n} {w}' for w, n in words.items())})")
        missed += [file] if noticed < LEAST_NOTICED else []
    session.log(f"To see one: cd '{base}' && ../../bin/mutmut show NAME")
    if missed:
        session.error(f"less than {LEAST_NOTICED} % is noticed in {', '.join(missed)}")
    wanted = nox.project.load_toml(ROOT / "pyproject.toml")["tool"]["mutmut"]["only_mutate"]
    # A file that was renamed would go unnoticed.
    lost = [] if session.posargs else [one for one in wanted if not fnmatch.filter(found, one)]
    if lost or not found:
        session.error(f"no mutants of {', '.join(lost or wanted)}")


@nox.session(python=MIDDLE)
def bench(session: nox.Session) -> None:
    """Measure speed and memory beside others, in one run: all, or the one that the first argument names."""
    # Snowflake's client alone: with Databricks' comes pandas, which Snowflake's then loads, in a playbook by hand, too.
    install(session, NEWEST._replace(clients=NEWEST.clients[:1]), "sqlparse", "sqlglot")
    names = session.posargs[:1] or ("split", "execute", "scale", "rerun")
    missed = []
    for name in names:
        try:
            session.run("python", f"tests/bench/{name}.py", *session.posargs[1:], env=everywhere(session))
        except nox.command.CommandFailed:
            missed.append(name)
    if missed:
        session.error(f"missed a target: {', '.join(missed)}")
