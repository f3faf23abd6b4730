"""`python -m pipelines`: the `retrain` command without its entry point installed."""

from pipelines.cli import main

main()
