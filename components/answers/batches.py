"""Batches of documents of like length, so that little of what is computed is padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from thinc.api import get_current_ops

# Size of a padded batch, which bounds its memory. A CPU is fastest on what its caches hold.
PADDED_CHARACTERS = {"cpu": 4_000, "gpu": 128_000}
# Of a network that pads nothing: then larger batches are a fifth faster (measured on a cnn).
CHARACTERS = 32_000


def batches(lengths: Sequence[int], batch_size: int, *, padded: bool = True) -> Iterator[list[int]]:
    """Group the places of documents of about the same length.

    Args:
        lengths: characters of each document; nearer to word pieces than words are.
        batch_size: documents in a batch at most.
        padded: the network pads, as transformers do.
    """
    most = PADDED_CHARACTERS[str(get_current_ops().device_type)]
    most = most if padded else max(most, CHARACTERS)
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == batch_size or (len(batch) + 1) * lengths[place] > most):
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
