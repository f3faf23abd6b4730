"""What holds for all tests."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

from tests.support import forking, json_shapes, quick_stack

# A busy machine is no failure.
settings.register_profile("retrain", deadline=None)
settings.load_profile("retrain")

# Some shells start what runs behind them with Ctrl-C ignored, or call their terminal dumb.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["TERM"] = "xterm-256color"
# No test may need the network, and a hub that is not there is waited for.
os.environ["HF_HUB_OFFLINE"] = "1"
forking.use()
quick_stack.pass_over()
json_shapes.hold()
