"""One running stack for the tests of a module."""

from __future__ import annotations

import pytest
from running_stack import Stack, other_domain, write_object


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    """A folder with a block that is easy to grasp and a crate wider than the jaws."""
    folder = tmp_path_factory.mktemp("objects")
    write_object(folder, "block", "0.04 0.06 0.05")
    write_object(folder, "crate", "0.11 0.11 0.11")
    return folder


@pytest.fixture(scope="module")
def stack(objects, tmp_path_factory):
    with Stack(objects, tmp_path_factory.mktemp("logs"), other_domain(1)) as running:
        yield running
