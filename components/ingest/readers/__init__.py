"""One module per export format; `read` tells them apart."""
