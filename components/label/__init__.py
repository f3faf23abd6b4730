"""A teacher answers texts that nobody has annotated: the stage `label`."""
