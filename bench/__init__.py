"""Benchmarks: this project beside the libraries and scripts that it could have used instead."""
