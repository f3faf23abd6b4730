#!/bin/sh
# Writes a tar archive of a root file system that stands in for the official Python base where no
# image registry can be reached: the same Debian release, with Debian's own Python 3.11.
# Needs root and debootstrap.
set -eu
archive=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root" >&2
# What the official slim image leaves out, too.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* \
    "$root"/usr/share/man/* "$root"/usr/share/info/* "$root"/usr/share/locale/*
tar --create --file "$archive" --directory "$root" --numeric-owner .
