"""Modules of tests/abi that are wrong in one way each, and say in their first comment what has to be said of them."""

import pathlib

import pytest

from .gantry import ROOT, binary


def sources(folder):
    return sorted((ROOT / "tests" / "abi" / folder).glob("*.c"))


def library(source):
    """Where one was built."""
    built = pathlib.Path(binary()).resolve().parent / "tests" / "abi" / source.parent.name
    return built / f"gantry-{source.stem.replace('_', '-')}.so"


def first_comment(source):
    """In one line."""
    return " ".join(source.read_text().partition("*/")[0].replace("\n *", " ").split())


def each(of):
    """For a test with an argument `source`: once with each."""
    return pytest.mark.parametrize("source", [pytest.param(source, id=source.stem) for source in of])
