#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/56-load.t at length: 250 trials of each twin under load, 50,000 trials for what grows."""
import os
import sys

os.environ.setdefault("FORKPOINT_TEST_SCALE", "10")
os.execv(sys.executable, [sys.executable, "tests/56-load.t"])
