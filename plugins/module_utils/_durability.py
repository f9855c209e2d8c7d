# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a file outlives the container or job that writes it, judged by the mount table and the signs of a container.

The rules are in C(judge), which is pure. C(look) asks this machine.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import typing as t

MEMORY = ("devtmpfs", "hugetlbfs", "ramfs", "rootfs", "tmpfs")
# A container's own layer: the file system that is put together from its image, and thrown away with it.
LAYERED = ("aufs", "fuse-overlayfs", "fuse.fuse-overlayfs", "overlay", "overlayfs", "unionfs")
REMOTE = re.compile(r"(nfs\d?|cifs|smb\d?|smbfs|ceph|glusterfs|lustre|gpfs|beegfs|afs|9p|virtiofs|fuse\..*)$")
# Volumes that are removed with their pod or their container.
SHORT_LIVED = re.compile(r"(/kubernetes\.io~empty-dir/|/volumes/[0-9a-f]{64}/_data(/|$))")
# Containers that are kept like machines, by the variable C(container) that they set.
PETS = ("lxc", "lxc-libvirt", "systemd-nspawn", "wsl")
CGROUP = re.compile(r"(docker|libpod|crio|cri-containerd|containerd|garden)[-/][0-9a-f]{12}|kubepods|/ecs/|/buildkit/")
FILES = ("/.dockerenv", "/run/.containerenv")
# Folders that a job gets and that are removed with it, by the variables that name them.
OF_JOBS = (
    *("AWX_PRIVATE_DATA_DIR", "AWX_ISOLATED_DATA_DIR", "CI_PROJECT_DIR", "GITHUB_WORKSPACE", "RUNNER_TEMP"),
    *("AGENT_TEMPDIRECTORY", "PIPELINE_WORKSPACE"),
)
# And those that have no variable.
OF_AWX = ("/runner", "/tmp", "/var/tmp")  # noqa: S108 - nothing is written there
OF_GITHUB = ("/__w", "/github")
Lasting = t.Literal["lasting", "dies", "unknown"]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The verdict on whether a file at a path lasts.

    :ivar why: the reason
    :ivar mount: the mount point that the path is below, or None
    :ivar filesystem: its type, or None
    """

    lasting: Lasting
    why: str
    mount: str | None = None
    filesystem: str | None = None


@dataclasses.dataclass(frozen=True)
class Marks:
    """The signs that this process runs in a container or job whose files are removed at its end.

    :ivar container: what says so for certain, or ""
    :ivar file: a file that says so, but is also in machines that were made from a container's image; or ""
    :ivar pet: whether the container is long-lived, like a machine
    :ivar job: the system whose job this is, in which only mounted folders last, or ""
    :ivar pipeline: the system whose job this is, which may run in a container or on a machine, or ""
    :ivar machine: why the whole machine is thrown away, or ""
    :ivar folders: those that are removed with the job
    """

    container: str = ""
    file: str = ""
    pet: bool = False
    job: str = ""
    pipeline: str = ""
    machine: str = ""
    folders: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Mount:
    """A line of /proc/self/mountinfo, see proc_pid_mountinfo(5).

    :ivar root: the folder of the file system that is mounted
    """

    number: str
    parent: str
    root: str
    point: str
    filesystem: str


def look(path: str) -> Verdict:
    """Judge a path on this machine. It need not exist."""
    return judge(_read("/proc/self/mountinfo"), os.path.realpath(path), marks(os.environ, _read, os.path.exists))


def judge(mountinfo: str, path: str, marked: Marks) -> Verdict:
    """Judge a path. Pure.

    :param mountinfo: the text of /proc/self/mountinfo; empty where there is none
    :param path: absolute, without links
    """
    mount = find(mountinfo, path)
    point, kind = (mount.point, mount.filesystem) if mount else (None, None)

    def verdict(lasting: Lasting, why: str) -> Verdict:
        return Verdict(lasting, why, point, kind)

    if folder := next((one for one in marked.folders if _below(path, one)), None):
        return verdict("dies", f"{folder} is removed with the job")
    if mount is None:
        return verdict("unknown", "the mount table can't be read")
    if kind in MEMORY:
        return verdict("dies", f"{point} is kept in memory ({kind})")
    if SHORT_LIVED.search(mount.root):
        return verdict("dies", f"{point} is a volume that is removed with its container")
    if marked.machine and not REMOTE.match(mount.filesystem):
        return verdict("dies", marked.machine)
    if point != "/":
        if kind in LAYERED:
            return verdict("unknown", f"{point} is a layered file system ({kind})")
        return verdict("lasting", f"{point} is mounted ({kind})")
    if marked.job:
        return verdict(
            "dies", (f"it is not on a mounted folder, and {marked.job} removes everything else with the job")
        )
    return verdict(*_at_root(mount, marked))


def _at_root(mount: Mount, marked: Marks) -> tuple[Lasting, str]:
    """Judge the file system at the root of all."""
    own = "it is not on a mounted folder, and the container's own files are removed with it"
    if marked.container:
        return "dies", f"{own} ({marked.container})"
    if marked.pet:
        return "lasting", "this container is long-lived, like a machine"
    if mount.filesystem in LAYERED:
        return "dies", f"{own} ({mount.filesystem})"
    if not marked.file:
        return "lasting", f"it is on the machine's own file system ({mount.filesystem})"
    if marked.pipeline or mount.root != "/" or mount.filesystem == "zfs":
        return "dies", f"{own} ({marked.file})"
    return "unknown", f"{marked.file} says that this is a container, but its root is a whole file system"


def find(mountinfo: str, path: str) -> Mount | None:
    """Return the mount that a path is on: from the root down, as the kernel looks it up."""
    mounts = [mount for line in mountinfo.splitlines() if (mount := _mount(line))]
    numbers = {mount.number for mount in mounts}
    roots = [mount for mount in mounts if mount.point == "/" and (mount.parent not in numbers or _loops(mount))]
    here = roots[0] if roots else None
    while here is not None:
        inside = [
            one
            for one in mounts
            if one.parent == here.number
            and not _loops(one)
            and _below(path, one.point)
            and _below(one.point, here.point)
        ]
        if not inside:
            break
        # The first one on the way hides what is mounted deeper on the file system below it.
        here = min(inside, key=lambda one: len(one.point))
    return here


def _loops(mount: Mount) -> bool:
    return mount.parent == mount.number


def _mount(line: str) -> Mount | None:
    before, _separator, after = line.partition(" - ")
    fields = before.split(" ")
    if len(fields) < 6 or not after:
        return None
    number, parent, _device, root, point = (_unescaped(field) for field in fields[:5])
    return Mount(number, parent, root, point, after.split(" ")[0])


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def marks(environment: t.Mapping[str, str], read: t.Callable[[str], str], exists: t.Callable[[str], bool]) -> Marks:
    """Find the marks.

    :param environment: of this process
    :param read: returns a file's text, empty when it can't be read
    :param exists: tells whether a file is there
    """
    named = environment.get("container", "")
    certain = [
        f"container={named}" if named and named not in PETS else "",
        "KUBERNETES_SERVICE_HOST" if environment.get("KUBERNETES_SERVICE_HOST") else "",
        "cgroup" if CGROUP.search(read("/proc/self/cgroup")) else "",
    ]
    awx = bool(environment.get("AWX_PRIVATE_DATA_DIR") or environment.get("AWX_ISOLATED_DATA_DIR"))
    github, gitlab = bool(environment.get("GITHUB_ACTIONS")), bool(environment.get("GITLAB_CI"))
    folders = [environment.get(name, "") for name in OF_JOBS]
    if awx:
        folders += [*OF_AWX, environment.get("HOME", "")]
    if github:
        folders += OF_GITHUB
    hosted = github and environment.get("RUNNER_ENVIRONMENT") == "github-hosted"
    return Marks(
        container=next(filter(None, certain), ""),
        file=next(filter(exists, FILES), ""),
        pet=named in PETS,
        job="AWX" if awx else "",
        pipeline="GitHub Actions" if github else "GitLab CI" if gitlab else "",
        machine="GitHub removes this machine with the job" if hosted else "",
        folders=tuple(os.path.realpath(folder) for folder in folders if os.path.isabs(folder)),
    )


def _read(path: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()
    return ""
