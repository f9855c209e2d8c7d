# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of this collection, one session each. `make test` runs all of them, `nox -s NAME` one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
NOX = ROOT / ".nox"
NAME = "community/immuta"
# What a checkout holds and the built collection must not.
NOT_BUILT = re.compile(r"^(\.(?!$)|noxfile|Makefile|pyproject|tools/|tests/output/|changelogs/fragments/)")

sys.path.insert(0, str(ROOT / "tools"))
import pythons  # noqa: E402

# ansible-core, its Python, and the platforms' clients that go with it: the ends of what is supported.
TARGETS = {
    "oldest": (
        "ansible-core~=2.16.0",
        pythons.first("3.10", "3.11", "3.12"),
        ("snowflake-connector-python>=4.5,<5", "databricks-sql-connector>=4.1,<4.2", "databricks-sdk"),
    ),
    "newest": (
        "ansible-core>=2.21",
        pythons.first("3.14", "3.13", "3.12"),
        ("snowflake-connector-python>=5", "databricks-sql-connector>=4.2", "databricks-sdk"),
    ),
}
DOUBLES = ("openapi-core", "pyyaml", "cryptography")
# SQLite's ODBC driver and unixODBC, with what they need and pyodbc doesn't bring.
ODBC_PACKAGES = ("libltdl7", "libodbc2", "libodbcinst2", "libsqlite3-0", "libsqliteodbc")
MIDDLE = pythons.first("3.13", "3.12")
# What AWX itself injects credentials with, although nobody else is meant to, and the last package that brings awx.awx.
AWX_PLUGINS = "awx-plugins-interfaces==0.0.1a5"
AWX_COLLECTIONS = "ansible<13"

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False
os.environ["PATH"] = pythons.path()


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
    base = Path(session.create_tmp()) / "copy"
    place = base / "ansible_collections" / NAME
    shutil.rmtree(place, ignore_errors=True)
    listed = str(session.run("git", "ls-files", "-z", "-co", "--exclude-standard", external=True, silent=True))
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name, follow_symlinks=False)
    # Without a repository of its own ansible-test would ask the outer one, which ignores this folder.
    session.run("git", "init", "-q", str(place), external=True, silent=True)
    return base


def prime_pip(session: nox.Session) -> None:
    """Put pip where ansible-test looks for it, so that it is taken from the package index."""
    cache = NOX / "home" / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    site = next(Path(session.virtualenv.location).glob("lib/python*/site-packages"))
    text = (site / "ansible_test/_internal/python_requirements.py").read_text()
    for version in sorted(set(re.findall(r"pip='([0-9.]+)'", text))):
        if not list(cache.glob(f"pip-{version}-*.whl")):
            session.run("python", "-m", "pip", "download", "-q", "--no-deps", "-d", str(cache), f"pip=={version}")
        shutil.copy(ROOT / "tools" / "get_pip.py", cache / f"get_pip_{version.replace('.', '_')}.py")


def ansible_test(session: nox.Session, *arguments: str) -> None:
    """Run ansible-test in a copy; a run that tests nothing fails."""
    prime_pip(session)
    with session.chdir(copy(session) / "ansible_collections" / NAME):
        if arguments[0] == "units":
            # The tests run modules as processes of their own, hundreds of times.
            session.run("python", "-m", "compileall", "-q", "plugins", silent=True)
        environment = {**everywhere(session), "PYTHONPATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
        output = str(session.run("ansible-test", *arguments, "--color", "no", silent=True, env=environment))
    session.log(output)
    if re.search(r"All targets skipped|No tests? (?:applicable|found)|no tests ran|collected 0 items", output):
        session.error("ansible-test had nothing to test")


def pytest(session: nox.Session, *arguments: str, env: dict[str, str] | None = None) -> None:
    """Run pytest on the checkout. No test collected is exit status 5, which fails the session."""
    environment = {**everywhere(session), **(env or {})}
    session.run("python", "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments, env=environment)


def install_for_ansible_test(session: nox.Session, core: str) -> None:
    """Install ansible-core, compiled, since ansible-test lets none of its processes do so."""
    session.install(core, "pip", env={"UV_COMPILE_BYTECODE": "1"})


def install_collections(session: nox.Session, package: str) -> None:
    """Install the package ansible for its collections, without the ansible-core that it wants."""
    session.install("--no-deps", package)


@nox.session(python=TARGETS["oldest"][1])
def sanity_oldest(session: nox.Session) -> None:
    """Run ansible-test sanity on the oldest ansible-core and Python; `matrix` adds the tests, pylint, and other Pythons."""
    install_for_ansible_test(session, TARGETS["oldest"][0])
    ansible_test(
        session, "sanity", "--local", "--python", str(session.python), "--skip-test", "pylint", "--exclude", "tests/"
    )


@nox.session(python=TARGETS["newest"][1])
def sanity_newest(session: nox.Session) -> None:
    """Run ansible-test sanity on the newest ansible-core and Python; `matrix` adds other Pythons."""
    install_for_ansible_test(session, TARGETS["newest"][0])
    ansible_test(session, "sanity", "--local", "--python", str(session.python))


def unit_tests(session: nox.Session, target: str, *arguments: str) -> None:
    """Run unit tests. C(ansible-test units), which forks for each test and takes twice as long, is part of C(matrix)."""
    core, _python, clients = TARGETS[target]
    session.install(core, *clients, "requests", "pytest", "pytest-xdist", "hypothesis", *DOUBLES)
    pytest(session, "-p", "xdist", "-n", "2", *arguments, *session.posargs)


@nox.session(python=TARGETS["oldest"][1])
def units_oldest(session: nox.Session) -> None:
    """Run the unit tests on the oldest ansible-core, Python, and clients; stand-ins and random scripts need one run only."""
    random_scripts = "tests/unit/plugins/module_utils/_sql/test_split_properties.py"
    unit_tests(session, "oldest", "tests/unit/plugins", f"--ignore={random_scripts}")


@nox.session(python=TARGETS["newest"][1])
def units_newest(session: nox.Session) -> None:
    """Run the unit tests on the newest ansible-core, Python, and clients."""
    unit_tests(session, "newest", "tests/unit")


def integrate(session: nox.Session, core: str, clients: tuple[str, ...], *arguments: str) -> None:
    """Run the playbooks."""
    session.install(core, *clients, "requests", "pytest", *DOUBLES)
    # -rP shows the numbers that tests print: requests, module tasks, payloads.
    pytest(session, "-rP", "--durations=10", *arguments, *(session.posargs or ["tests/integration"]))


@nox.session(python=TARGETS["oldest"][1])
def integration_oldest(session: nox.Session) -> None:
    """Run a fixed few of the playbooks on the oldest ansible-core; `matrix` runs all of them there."""
    core, _python, clients = TARGETS["oldest"]
    integrate(session, core, clients, "-m", "oldest")


@nox.session(python=TARGETS["newest"][1])
def integration_newest(session: nox.Session) -> None:
    """Run the playbooks on the newest ansible-core."""
    core, _python, clients = TARGETS["newest"]
    integrate(session, core, clients)


# Each ansible-core that is supported, and the Python that its controller runs on here.
MATRIX = {
    "2.16": TARGETS["oldest"][1],
    "2.17": pythons.first("3.10", "3.11", "3.12"),
    "2.18": pythons.first("3.11", "3.12", "3.13"),
    "2.19": pythons.first("3.12", "3.11", "3.13"),
    "2.20": pythons.first("3.12", "3.13", "3.14"),
    "2.21": TARGETS["newest"][1],
}


@nox.session
@nox.parametrize("python,core", [(python, core) for core, python in MATRIX.items()], ids=list(MATRIX))
def matrix(session: nox.Session, core: str) -> None:
    """Run all playbooks, the unit tests, and sanity on each ansible-core that is supported. Not part of `make test`."""
    _core, _python, clients = TARGETS["newest" if core == list(MATRIX)[-1] else "oldest"]
    install_for_ansible_test(session, f"ansible-core~={core}.0")
    integrate(session, f"ansible-core~={core}.0", clients)
    if core not in ("2.16", "2.17"):
        session.install("pyodbc")
        install_collections(session, "ansible")
        pytest(session, "tests/odbc", env=odbc_driver(session))
    ansible_test(session, "units", "--venv", "--python", str(session.python))
    ansible_test(session, "sanity", "--local")


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


@nox.session(python=MIDDLE)
@nox.parametrize("core", ["~=2.18.0", ">=2.21"], ids=["oldest", "newest"])
def odbc(session: nox.Session, core: str) -> None:
    """Run the role's executor odbc on the newest ansible-core, and on the oldest that community.general supports."""
    session.install(f"ansible-core{core}", "pyodbc", "requests", "pytest", *DOUBLES)
    install_collections(session, "ansible")
    some = () if core == ">=2.21" else ("-m", "oldest")
    pytest(session, "tests/odbc", *some, *session.posargs, env=odbc_driver(session))


@nox.session(python=MIDDLE)
def awx(session: nox.Session) -> None:
    """Load the definitions for AWX into a stand-in, and run jobs as AWX does."""
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", "pytest", AWX_PLUGINS, *DOUBLES)
    install_collections(session, AWX_COLLECTIONS)
    pytest(session, "--durations=5", "tests/awx", *session.posargs)


def chromium(session: nox.Session) -> str:
    """The path of a Chromium: the one that CHROMIUM names, one that is on PATH, or Debian's."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        session.run("apt-get", "-q", "update", external=True, silent=True)
        install = ("apt-get", "-q", "-y", "--no-install-recommends", "install", "chromium")
        session.run(*install, external=True, silent=True, env={"DEBIAN_FRONTEND": "noninteractive"})
        found = shutil.which("chromium")
    if found is None:
        session.error("there is no Chromium here: install it, or set CHROMIUM=/path/to/chromium")
    return found


@nox.session(python=MIDDLE)
def browser(session: nox.Session) -> None:
    """Look at the role's report in a real browser."""
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", "pytest", "playwright", *DOUBLES)
    pytest(session, "tests/browser", "--durations=3", *session.posargs, env={"CHROMIUM": chromium(session)})


# What the proofs need besides the newest targets.
PROVING = (
    "pytest",
    "pytest-xdist",
    "pytest-split",
    "hypothesis",
    "schemathesis",
    "ansible-runner",
    "pyopenssl",
    "trustme",
)


def prove(session: nox.Session, *folders: str, every: bool) -> None:
    """Run proofs on the newest ansible-core: all their points on all cores, or a fixed few that cover every stage.

    E(PART) is for several machines that share the work: 2/4 is the second of four parts.
    """
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", *PROVING, *DOUBLES)
    # The long tests are side by side: a worker that has nothing to do takes some from another one.
    options = ["-p", "xdist", "-n", str(os.cpu_count()), "--dist", "worksteal"] if every else ["--durations=5"]
    if part := os.environ.get("PART"):
        group, _slash, parts = part.partition("/")
        options += ["-p", "pytest_split.plugin", "--splits", parts, "--group", group]
    pytest(session, *options, *(session.posargs or folders), env={"EVERY_POINT": "1"} if every else {})


@nox.session(python=TARGETS["newest"][1])
def proofs(session: nox.Session) -> None:
    """Prove on a fixed few of all points that nothing is lost, nothing leaks, and no success is claimed wrongly."""
    prove(session, "tests/crash", "tests/faults", "tests/leak", "tests/property", "tests/contract", every=False)


@nox.session(python=TARGETS["newest"][1])
def crash(session: nox.Session) -> None:
    """Kill the role at every point and run it again. Not part of `make test`."""
    prove(session, "tests/crash", every=True)


@nox.session(python=TARGETS["newest"][1])
def faults(session: nox.Session) -> None:
    """Run the role through every fault of the servers and every variant of the API. Not part of `make test`."""
    prove(session, "tests/faults", every=True)


@nox.session(python=TARGETS["newest"][1])
def canaries(session: nox.Session) -> None:
    """Look for secrets in all that every path leaves behind. Not part of `make test`."""
    prove(session, "tests/leak", every=True)


@nox.session(python=TARGETS["newest"][1])
def runner(session: nox.Session) -> None:
    """Run a workflow's jobs under the engine of AWX."""
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", "pytest", "ansible-runner", *DOUBLES)
    pytest(session, "tests/runner")


@nox.session(python=MIDDLE)
def oracle(session: nox.Session) -> None:
    """Have sqlfluff's grammars judge what the splitter calls a statement."""
    session.install(TARGETS["newest"][0], "pytest", "sqlfluff>=4")
    pytest(session, "tests/oracle/test_sqlfluff.py")


@nox.session(python=MIDDLE)
def fakesnow(session: nox.Session) -> None:
    """Run scripts on fakesnow, a Snowflake that nobody here wrote."""
    session.install(
        TARGETS["newest"][0], "pytest", "requests", "fakesnow[server]==0.12.1", "snowflake-connector-python<5", *DOUBLES
    )
    pytest(session, "tests/oracle/test_fakesnow.py")


@nox.session(python=MIDDLE)
def coverage(session: nox.Session) -> None:
    """Measure what of the code the unit tests reach. Not part of `make test`."""
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", "pytest", "pytest-cov", "hypothesis", *DOUBLES)
    pytest(
        session,
        "-p",
        "pytest_cov",
        "--cov=ansible_collections.community.immuta.plugins.module_utils",
        "--cov-branch",
        "--cov-report=term",
        "tests/unit",
    )


@nox.session(python=TARGETS["newest"][1])
def mutation(session: nox.Session) -> None:
    """Break the code in every place and see whether a test notices. Not part of `make test`."""
    core, _python, clients = TARGETS["newest"]
    # The driver uses mutmut's parts, not only its command.
    session.install(core, *clients, "requests", "pytest", "mutmut>=3.8,<3.9", *DOUBLES)
    base = Path(session.create_tmp()).resolve() / "mutation"
    base.mkdir(exist_ok=True)
    # The driver makes copies and puts those on the path: no other one must be there.
    environment = {**everywhere(session), "PYTHONPATH": ""}
    session.run("python", "tools/mutation.py", f"--base={base}", *session.posargs, env=environment)


@nox.session(python=MIDDLE)
def bench(session: nox.Session) -> None:
    """Measure speed and memory beside others, in one run. Not part of `make test`."""
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", "sqlparse", "sqlglot", *DOUBLES)
    for name in session.posargs[:1] or ("split", "execute", "scale"):
        session.run("python", f"tests/bench/{name}.py", *session.posargs[1:], env=everywhere(session))


@nox.session(python=MIDDLE)
def molecule(session: nox.Session) -> None:
    """Run the molecule scenarios."""
    core, _python, clients = TARGETS["newest"]
    session.install("molecule", core, *clients, "requests", *DOUBLES)
    output = str(session.run("molecule", "test", "--all", silent=True, env=everywhere(session)))
    session.log(output)
    if "no hosts matched" in output:
        session.error("a scenario ran on no host")


@nox.session(python=MIDDLE)
def lint(session: nox.Session) -> None:
    """Run ansible-lint, yamllint, ruff, and reuse, and hold the examples of pipelines against their schemas."""
    session.install("ansible-lint", TARGETS["newest"][0], "yamllint", "ruff", "reuse", "check-jsonschema")
    environment = everywhere(session)
    session.run("ruff", "check", "--no-cache", ".", env=environment)
    session.run("ruff", "format", "--no-cache", "--check", ".", env=environment)
    session.run("yamllint", "--strict", ".", env=environment)
    session.run("reuse", "lint", "--quiet", env=environment)
    for kind, name in (("github-workflows", "github-actions"), ("gitlab-ci", "gitlab-ci")):
        example = f"docs/examples/pipelines/{name}.yml"
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{kind}", example, env=environment)
    session.run("ansible-lint", "--profile", "production", "--offline", "--strict", env=environment)


@nox.session(python=MIDDLE)
def types(session: nox.Session) -> None:
    """Check the types."""
    core, _python, clients = TARGETS["newest"]
    session.install("mypy", core, *clients, "types-requests", "types-pyyaml", "pytest", "hypothesis", "nox", *DOUBLES)
    base = "ansible_collections.community.immuta"
    session.run(
        "mypy",
        f"--config-file={ROOT / 'pyproject.toml'}",
        f"--cache-dir={Path(session.create_tmp()) / 'mypy'}",
        "--namespace-packages",
        "--explicit-package-bases",
        "-p",
        f"{base}.plugins",
        "-p",
        f"{base}.tests.doubles",
        "-p",
        f"{base}.tests.harness",
        "-p",
        f"{base}.tests.crash",
        env={**everywhere(session), "MYPYPATH": str(tree())},
    )


@nox.session(python=MIDDLE)
def galaxy(session: nox.Session) -> None:
    """Build the collection and have Galaxy's importer judge it."""
    session.install("galaxy-importer", TARGETS["newest"][0], "setuptools<81")
    base = copy(session) / "ansible_collections" / NAME
    dist = Path(session.create_tmp()).resolve() / "dist"
    environment = {**everywhere(session), "GALAXY_IMPORTER_CONFIG": str(ROOT / "tests/galaxy-importer.cfg")}
    session.run(
        "ansible-galaxy", "collection", "build", "--force", "--output-path", str(dist), str(base), env=environment
    )
    tarball = next(dist.glob("*.tar.gz"))
    with tarfile.open(tarball) as built:
        strange = [name for name in built.getnames() if NOT_BUILT.match(name)]
    if strange:
        session.error(f"these should not be in the collection: {strange}")
    with session.chdir(dist):
        output = str(session.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True, env=environment))
    session.log(output)
    # Its exit status says nothing of warnings, and of errors in modules.
    if found := re.findall(r"^(?:WARNING|ERROR):.*", output, re.MULTILINE):
        session.error("galaxy-importer objects: " + " ".join(found))
    if "Importer processing completed successfully" not in output:
        session.error("galaxy-importer did not come to its end")


@nox.session(python=MIDDLE)
def docs(session: nox.Session) -> None:
    """Check the documentation and build it."""
    session.install("antsibull-docs", TARGETS["newest"][0], "ansible-pygments", "sphinx", "sphinx-ansible-theme")
    environment = everywhere(session)
    session.run(
        "antsibull-docs",
        "lint-collection-docs",
        ".",
        "--plugin-docs",
        "--validate-collection-refs=self",
        env=environment,
    )
    site = Path(session.create_tmp()).resolve() / "site"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(mode=0o700)
    session.run(
        "antsibull-docs",
        "sphinx-init",
        "--use-current",
        "--squash-hierarchy",
        "--fail-on-error",
        "--dest-dir",
        str(site),
        NAME.replace("/", "."),
        silent=True,
        env=environment,
    )
    with (site / "conf.py").open("a") as conf:
        # No inventory of another site is fetched, so references into those sites can't be resolved.
        conf.write(
            "\nintersphinx_mapping = {}\n"
            "nitpick_ignore_regex = [('std:ref', 'ansible_.*|common_return_values'), ('std:envvar', 'ANSIBLE_.*')]\n"
        )
    (site / "rst").mkdir(mode=0o700, exist_ok=True)
    session.run("bash", str(site / "build.sh"), external=True, silent=True, env=environment)


@nox.session(python=MIDDLE)
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    session.install("antsibull-changelog", TARGETS["newest"][0])
    session.run("antsibull-changelog", "lint", env=everywhere(session))


@nox.session(python=MIDDLE)
def ee(session: nox.Session) -> None:
    """Check what an execution environment takes from the collection, and that the example makes one."""
    # It reads the requirements of collections, which takes a module that newer ones don't have.
    session.install("ansible-builder", "setuptools<81")
    environment = everywhere(session)
    output = str(
        session.run("ansible-builder", "introspect", "--sanitize", str(copy(session)), silent=True, env=environment)
    )
    session.log(output)
    found = re.findall(r"^- '([\w-]+)([^#']*)", output, re.MULTILINE)
    wanted = {"requests", "snowflake-connector-python", "databricks-sql-connector", "databricks-sdk"}
    if {name for name, _version in found} != wanted:
        session.error(f"the requirements are not {wanted}")
    if capped := [name for name, version in found if re.search("<|==|~=|!=", version)]:
        session.error(f"these would be held back: {capped}")
    example = ROOT / "extensions/execution-environment/execution-environment.yml"
    context = Path(session.create_tmp()).resolve() / "context"
    shutil.rmtree(context, ignore_errors=True)
    session.run("ansible-builder", "create", "-f", str(example), "-c", str(context), silent=True, env=environment)
    if "community.immuta" not in (context / "_build/requirements.yml").read_text():
        session.error("the image would not have the collection")
    if "ansible-core>=2.16" not in next(context.glob("[CD]*file")).read_text():
        session.error("the image would not have ansible-core")


@nox.session(python=MIDDLE)
def demo(session: nox.Session) -> None:
    """Run the demo, as `make demo` does."""
    core, _python, clients = TARGETS["newest"]
    session.install(core, *clients, "requests", *DOUBLES)
    session.run("python", "tools/demo.py", env=everywhere(session))
