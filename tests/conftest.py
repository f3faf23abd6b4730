"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

from tests.support import forking, quick_stack

# A busy machine is no failure.
settings.register_profile("retrain", deadline=None)
settings.load_profile("retrain")

# No test may need the network, and a hub that is not there is waited for.
os.environ["HF_HUB_OFFLINE"] = "1"
forking.use()
quick_stack.pass_over()
