# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for the get-pip.py that ansible-test wants to download.

ansible-test runs it as get_pip_X_Y_Z.py with pip's options. It runs the pip wheel beside it to install the pip asked for.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

script = Path(os.environ["GET_PIP"])
version = script.stem[len("get_pip_") :].replace("_", ".")
wheel = next(script.parent.glob(f"pip-{version}-*.whl"))
sys.path.insert(0, str(wheel))
for name in [name for name in sys.modules if name.partition(".")[0] == "pip"]:
    del sys.modules[name]
sys.argv[1:] = ["install", *(one for one in sys.argv[1:] if one not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
