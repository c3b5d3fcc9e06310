"""The verifier agrees with the one in TypeScript on archives as they should be and on damaged ones."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from sealtrail import SealtrailError, parse_trusted_keys, verify_archive


def test_both_verifiers_agree_on_every_archive() -> None:
    judged = json.loads(Path(os.environ["SEALTRAIL_JUDGED"]).read_text("utf-8"))
    verdicts = Counter()
    for one in judged:
        report = verify_archive(one["folder"], parse_trusted_keys(Path(one["keyFile"]).read_text("utf-8")))
        found = sorted({problem.kind for problem in report.problems})
        assert report.verdict == one["verdict"], f"{one['name']}: {found}, where the other finds {one['kinds']}"
        verdicts[report.verdict] += 1
    assert sum(verdicts.values()) >= 205
    assert verdicts["ok"] >= 5
    assert verdicts["damaged"] >= 150


def test_a_real_archive_of_version_1_with_several_keys() -> None:
    data = Path(__file__).resolve().parents[3] / "test" / "vectors" / "v1"
    trust = parse_trusted_keys((data / "trust.txt").read_text("utf-8"))
    report = verify_archive(data / "data" / "archive", trust)
    assert report.problems == []
    assert sum(report.proven.values()) > 100
    assert report.not_checked == ["~held/: no objects of an archive"]


def test_a_kept_checkpoint_shows_a_log_that_was_set_back() -> None:
    judged = json.loads(Path(os.environ["SEALTRAIL_JUDGED"]).read_text("utf-8"))
    older, newer = (next(one for one in judged if one["name"].startswith(f"archive {n}, as")) for n in (0, 1))
    kept = (Path(newer["folder"]) / "orders" / "checkpoint").read_text("utf-8")
    trust = parse_trusted_keys(Path(newer["keyFile"]).read_text("utf-8") + Path(older["keyFile"]).read_text("utf-8"))
    assert verify_archive(newer["folder"], trust, kept=[kept]).verdict == "ok"
    report = verify_archive(older["folder"], trust, kept=[kept])
    assert "rolled_back" in {problem.kind for problem in report.problems}


def test_what_is_no_archive_is_said_so(tmp_path: Path) -> None:
    trust = parse_trusted_keys("audit.example.com/orders+0414ac09+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx")
    with pytest.raises(SealtrailError, match="not_found"):
        verify_archive(tmp_path, trust)
    with pytest.raises(SealtrailError, match="usage"):
        verify_archive(tmp_path, [])
