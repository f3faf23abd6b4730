"""Damaged input in large numbers: nothing may end in a traceback, hang, or vanish uncounted."""
