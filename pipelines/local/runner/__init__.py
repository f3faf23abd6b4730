"""The inside of the local runner; `pipelines/local/run.py` is its face.

A spec's parts (`spec`) become a `graph` of tasks, checked whole (`reading`, `checks`, `conditions`,
`placeholders`). The `scheduler` opens groups (`scopes`) and hands tasks to `execution`, which takes
their outputs from the `cache` or starts their command (`tasks`, `launchers`, `processes`).
"""
