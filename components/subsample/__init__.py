"""Take a share of the training records, to see what more annotations would bring."""
