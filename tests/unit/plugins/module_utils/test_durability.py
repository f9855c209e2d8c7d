# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a path lasts: by mount tables and marks that were given, and in a mount namespace where the machine has them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _durability
from ansible_collections.community.immuta.plugins.module_utils._durability import Marks, judge


def table(*mounts: str) -> str:
    """A mount table: number, parent, root, mount point, and type of each."""
    lines = []
    for mount in mounts:
        number, parent, root, point, kind = mount.split(" ")
        lines.append(f"{number} {parent} 8:{number} {root} {point} rw,relatime shared:1 - {kind} none rw\n")
    return "".join(lines)


MACHINE = table(
    "20 1 / / ext4",
    "21 20 / /proc proc",
    "22 20 / /dev devtmpfs",
    "23 22 / /dev/shm tmpfs",
    "24 20 / /run tmpfs",
    "25 20 / /home xfs",
    "26 20 / /mnt/a\\040b nfs4",
    "27 20 / /cow overlay",
)
VOLUMES = (
    "31 30 / /dev tmpfs",
    "32 30 /srv/immuta /srv/immuta ext4",
    "33 30 /var/lib/docker/volumes/" + "ab" * 32 + "/_data /anonymous ext4",
    "34 30 /var/lib/docker/volumes/scripts/_data /named ext4",
    "35 30 /var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir/scratch /scratch ext4",
    "36 30 /var/lib/kubelet/pods/1/volumes/kubernetes.io~csi/pvc/mount /claim ext4",
    "37 30 / /nfs nfs",
)
CONTAINER = table("30 1 / / overlay", *VOLUMES)
# Docker on btrfs or vfs, and a machine that was made from an image.
SUBVOLUME = table("30 1 /var/lib/docker/btrfs/subvolumes/1 / btrfs", *VOLUMES)
PLAIN = table("30 1 / / ext4", *VOLUMES)
IN = {"container": "container=podman"}
FILE = {"file": "/.dockerenv"}


@pytest.mark.parametrize(
    ("mounts", "path", "marks", "lasting", "mount"),
    [
        # A machine.
        (MACHINE, "/srv/x.sql", {}, "lasting", "/"),
        (MACHINE, "/tmp/x.sql", {}, "lasting", "/"),
        (MACHINE, "/home/u/x.sql", {}, "lasting", "/home"),
        (MACHINE, "/homes/x.sql", {}, "lasting", "/"),
        (MACHINE, "/mnt/a b/x.sql", {}, "lasting", "/mnt/a b"),
        (MACHINE, "/dev/shm/x.sql", {}, "dies", "/dev/shm"),
        (MACHINE, "/run/x.sql", {}, "dies", "/run"),
        (MACHINE, "/dev/x.sql", {}, "dies", "/dev"),
        (MACHINE, "/cow/x.sql", {}, "unknown", "/cow"),
        (table("20 1 / / tmpfs", "21 20 / /mnt ext4"), "/x.sql", {}, "dies", "/"),
        (table("20 1 / / tmpfs", "21 20 / /mnt ext4"), "/mnt/x.sql", {}, "lasting", "/mnt"),
        (table("20 1 / / ramfs"), "/x.sql", {}, "dies", "/"),
        ("", "/srv/x.sql", {}, "unknown", None),
        ("garbage\n\n", "/srv/x.sql", {}, "unknown", None),
        # What is mounted later or further up hides what is below.
        (table("20 1 / / ext4", "21 20 / /a ext4", "22 21 / /a tmpfs"), "/a/x", {}, "dies", "/a"),
        (table("20 1 / / ext4", "21 20 / /a/b ext4", "22 20 / /a tmpfs"), "/a/b/x", {}, "dies", "/a"),
        (table("20 1 / / ext4", "22 20 / /a tmpfs", "21 22 / /a/b ext4"), "/a/b/x", {}, "lasting", "/a/b"),
        (table("1 1 / / rootfs", "20 1 / / ext4"), "/x", {}, "lasting", "/"),
        # Containers.
        (CONTAINER, "/srv/x.sql", {}, "dies", "/"),
        (CONTAINER, "/srv/x.sql", IN, "dies", "/"),
        (CONTAINER, "/srv/immuta/x.sql", IN, "lasting", "/srv/immuta"),
        (CONTAINER, "/srv/immuta2/x.sql", IN, "dies", "/"),
        (CONTAINER, "/named/x.sql", IN, "lasting", "/named"),
        (CONTAINER, "/claim/x.sql", IN, "lasting", "/claim"),
        (CONTAINER, "/nfs/x.sql", IN, "lasting", "/nfs"),
        (CONTAINER, "/anonymous/x.sql", IN, "dies", "/anonymous"),
        (CONTAINER, "/scratch/x.sql", IN, "dies", "/scratch"),
        (CONTAINER, "/dev/x.sql", IN, "dies", "/dev"),
        (table("30 1 / / fuse.fuse-overlayfs"), "/x.sql", {}, "dies", "/"),
        (table("30 1 / / zfs"), "/x.sql", FILE, "dies", "/"),
        (SUBVOLUME, "/srv/x.sql", FILE, "dies", "/"),
        (SUBVOLUME, "/srv/x.sql", {}, "lasting", "/"),
        (PLAIN, "/srv/x.sql", IN, "dies", "/"),
        (PLAIN, "/srv/x.sql", FILE, "unknown", "/"),
        (PLAIN, "/srv/immuta/x.sql", FILE, "lasting", "/srv/immuta"),
        (CONTAINER, "/srv/x.sql", {"pet": True}, "lasting", "/"),
        (CONTAINER, "/dev/x.sql", {"pet": True}, "dies", "/dev"),
        # Jobs.
        (MACHINE, "/srv/x.sql", {"job": "AWX"}, "dies", "/"),
        (MACHINE, "/home/u/x.sql", {"job": "AWX"}, "lasting", "/home"),
        (MACHINE, "/home/u/x.sql", {"job": "AWX", "folders": ("/home/u",)}, "dies", "/home"),
        (MACHINE, "/home/u", {"folders": ("/home/u",)}, "dies", "/home"),
        (MACHINE, "/home/u2", {"folders": ("/home/u",)}, "lasting", "/home"),
        (CONTAINER, "/srv/immuta/x.sql", {**IN, "job": "AWX"}, "lasting", "/srv/immuta"),
        (CONTAINER, "/srv/x.sql", {**IN, "pet": True, "job": "AWX"}, "dies", "/"),
        (PLAIN, "/srv/x.sql", {**FILE, "pipeline": "GitLab CI"}, "dies", "/"),
        (PLAIN, "/srv/x.sql", {"pipeline": "GitLab CI"}, "lasting", "/"),
        (MACHINE, "/srv/x.sql", {"machine": "it is removed"}, "dies", "/"),
        (MACHINE, "/home/x.sql", {"machine": "it is removed"}, "dies", "/home"),
        (MACHINE, "/mnt/a b/x.sql", {"machine": "it is removed"}, "lasting", "/mnt/a b"),
    ],
)
def test_judge(mounts: str, path: str, marks: dict[str, t.Any], lasting: str, mount: str | None) -> None:
    found = judge(mounts, path, Marks(**marks))
    assert (found.lasting, found.mount) == (lasting, mount), found
    assert found.why
    assert (found.filesystem is None) is (mount is None)


def marked(environment: dict[str, str], files: dict[str, str] | None = None) -> dict[str, t.Any]:
    known = files or {}
    found = _durability.marks(environment, lambda path: known.get(path, ""), known.__contains__)
    return {name: value for name, value in vars(found).items() if value}


AWX_FOLDERS = ("/runner", "/tmp", "/var/tmp")


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        ({}, {}, {}),
        ({"container": "oci"}, {}, {"container": "container=oci"}),
        ({"container": "lxc"}, {}, {"pet": True}),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {}, {"container": "KUBERNETES_SERVICE_HOST"}),
        ({}, {"/.dockerenv": ""}, {"file": "/.dockerenv"}),
        ({}, {"/run/.containerenv": ""}, {"file": "/run/.containerenv"}),
        ({}, {"/proc/self/cgroup": "0::/\n"}, {}),
        ({}, {"/proc/self/cgroup": "0::/system.slice/docker.service\n"}, {}),
        ({}, {"/proc/self/cgroup": f"5:pids:/docker/{'0a' * 32}\n"}, {"container": "cgroup"}),
        ({}, {"/proc/self/cgroup": f"0::/system.slice/docker-{'0a' * 32}.scope\n"}, {"container": "cgroup"}),
        ({}, {"/proc/self/cgroup": f"0::/machine.slice/libpod-{'0a' * 32}.scope\n"}, {"container": "cgroup"}),
        ({}, {"/proc/self/cgroup": "0::/kubepods.slice/kubepods-burstable.slice/x\n"}, {"container": "cgroup"}),
        ({"AWX_PRIVATE_DATA_DIR": ""}, {}, {}),
        (
            {"AWX_PRIVATE_DATA_DIR": "/job", "HOME": "/nowhere/u"},
            {},
            {"job": "AWX", "folders": ("/job", *AWX_FOLDERS, "/nowhere/u")},
        ),
        ({"AWX_ISOLATED_DATA_DIR": "/job"}, {}, {"job": "AWX", "folders": ("/job", *AWX_FOLDERS)}),
        (
            {"GITLAB_CI": "true", "CI_PROJECT_DIR": "/builds/x"},
            {},
            {"pipeline": "GitLab CI", "folders": ("/builds/x",)},
        ),
        ({"CI_PROJECT_DIR": "relative"}, {}, {}),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/w", "RUNNER_ENVIRONMENT": "self-hosted"},
            {},
            {"pipeline": "GitHub Actions", "folders": ("/w", "/__w", "/github")},
        ),
        (
            {"GITHUB_ACTIONS": "true", "RUNNER_ENVIRONMENT": "github-hosted"},
            {},
            {
                "pipeline": "GitHub Actions",
                "folders": ("/__w", "/github"),
                "machine": "GitHub removes this machine with the job",
            },
        ),
    ],
)
def test_marks(environment: dict[str, str], files: dict[str, str], expected: dict[str, t.Any]) -> None:
    assert marked(environment, files) == expected


# On this machine

CODE = """
import dataclasses, json, sys
from ansible_collections.community.immuta.plugins.module_utils import _durability
print(json.dumps([dataclasses.asdict(_durability.look(path)) for path in sys.argv[1:]]))
"""


def namespaces() -> bool:
    """Whether this user may make a mount namespace and mount in it."""
    try:
        command = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]
        return not os.geteuid() and subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture(scope="module")
def _namespaces() -> None:
    if not namespaces():
        pytest.skip("this user can't mount")


def looked(script: str, folder: Path, paths: list[str], **environment: str) -> list[dict[str, str]]:
    """Look at paths below a folder, in a mount namespace of its own, after a shell script."""
    command = f'{script}\nexec {shlex.quote(sys.executable)} -c "$CODE" "$@"'
    kept = ("PATH", "PYTHONPATH", "PYTHONPYCACHEPREFIX")
    done = subprocess.run(
        [
            "unshare",
            "-m",
            "--propagation",
            "private",
            "sh",
            "-ec",
            command,
            "sh",
            *(str(folder / one) for one in paths),
        ],
        cwd=folder,
        env={**{name: os.environ[name] for name in kept if name in os.environ}, "CODE": CODE, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return t.cast("list[dict[str, str]]", json.loads(done.stdout))


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("environment", [{}, {"container": "podman"}, {"AWX_PRIVATE_DATA_DIR": "/job"}], ids=str)
def test_what_is_in_memory_dies_everywhere(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "m").mkdir()
    (found,) = looked("mount -t tmpfs none m", tmp_path, ["m/new/x.sql"], **environment)
    assert (found["lasting"], found["mount"], found["filesystem"]) == ("dies", str(tmp_path / "m"), "tmpfs")


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("environment", [{"container": "podman"}, {"AWX_PRIVATE_DATA_DIR": "/job"}], ids=str)
def test_what_is_mounted_lasts_and_what_is_not_dies(environment: dict[str, str]) -> None:
    # Nothing below /tmp lasts in a job.
    place = Path(__file__).resolve().parents[3] / "output" / "durability"
    for name in ("disk", "mounted"):
        (place / name).mkdir(parents=True, exist_ok=True)
    if any(place.is_relative_to(one) for one in ("/tmp", "/var/tmp")):
        pytest.skip("the checkout is in a temporary folder")
    paths = ["mounted/x.sql", "disk/x.sql"]
    mounted, bare = looked("mount --bind disk mounted", place, paths, **environment)
    assert (mounted["lasting"], mounted["mount"]) == ("lasting", str(place / "mounted")), mounted
    if bare["mount"] != "/":
        pytest.skip("the checkout is on a mounted file system")
    assert bare["lasting"] == "dies"
