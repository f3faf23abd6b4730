"""A package, since some libraries install a `tests` of their own."""
