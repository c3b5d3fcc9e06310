"""The tests run from a checkout: they read the vectors of the project, and its servers and archives from the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable

import pytest

_VECTORS = Path(__file__).resolve().parents[3] / "test" / "vectors"


@pytest.fixture(scope="session")
def vectors() -> Callable[[str], Any]:
    """Reads a file of vectors, by its name below test/vectors."""
    return lambda name: json.loads((_VECTORS / name).read_text("utf-8"))


@pytest.fixture(scope="session")
def server() -> dict[str, str]:
    """The log that test/python/run.ts serves: its endpoint; the credentials are in the environment."""
    endpoint = os.environ.get("SEALTRAIL_ENDPOINT")
    if endpoint is None:
        pytest.fail("run these tests with npm run test:python, which serves a log for them")
    return {"endpoint": endpoint, "region": "us-east-1"}
