"""The config that a command means when none is named."""

from pathlib import Path

DEFAULT_CONFIG = Path("retrain.yaml")
