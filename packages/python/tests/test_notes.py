"""Notes, keys and checkpoints against the vectors of C2SP, Go, transparency-dev and OpenSSL."""

from __future__ import annotations

import base64
import json
from typing import Any, Callable

import pytest

from sealtrail import SealtrailError, open_checkpoint, parse_trusted_keys, parse_vkey, verifier_from_pem
from sealtrail.encoding import canonical_json, is_canonical, parse_json
from sealtrail.note import open_note, parse_checkpoint, parse_note
from sealtrail.receipt import parse_proof
from sealtrail.trust import keys_of_trail

Vectors = Callable[[str], Any]


def test_published_notes_open_with_their_keys(vectors: Vectors) -> None:
    for case in vectors("note/published.json")["cases"]:
        text = open_note(case["note"], [parse_vkey(case["vkey"])])
        assert case["note"].startswith(text)
        other = parse_vkey("audit.example.com/orders+0414ac09+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx")
        with pytest.raises(SealtrailError, match="bad_signature"):
            open_note(case["note"], [other])


def test_signatures_of_openssl_hold(vectors: Vectors) -> None:
    file = vectors("note/openssl.json")
    for case in file["cases"]:
        verifier = verifier_from_pem(case["pem"], file["name"])
        assert verifier.vkey == case["vkey"]
        assert parse_vkey(case["vkey"]).pem == case["pem"]
        signature = base64.b64decode(case["signature"])
        assert verifier.holds(file["text"].encode(), signature)
        assert not verifier.holds(file["text"].encode() + b"\n", signature)


def test_proof_heads_and_malformed_texts(vectors: Vectors) -> None:
    file = vectors("note/formats.json")
    for head in file["heads"]:
        index, hashes, _ = parse_proof(head["text"])
        assert (index, [base64.b64encode(one).decode() for one in hashes]) == (head["index"], head["hashes"])
    for text in file["malformedHeads"]:
        with pytest.raises(SealtrailError, match="malformed_proof"):
            parse_proof(text)
    for text in file["malformedCheckpoints"]:
        with pytest.raises(SealtrailError, match="malformed"):
            parse_checkpoint(text)


@pytest.mark.parametrize(
    "edit",
    [
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note[:-1],
        lambda note: note + "\n",
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("=\n", "\n"),
        lambda note: note.replace("audit", "au\x00dit"),
        lambda note: note + note.split("\n\n")[1],
    ],
)
def test_a_note_in_any_other_form_is_refused(edit: Callable[[str], str]) -> None:
    note = (
        "audit.example.com/orders\n3\nF+yYJ3ohZ6zpPPhyCKYFZUgLtIN2pLmBVdA+lQ/XjMk=\n\n"
        "— audit.example.com/orders "
        "BBSsCTUOcb57UYc7Pf0qr+BRNZJScyg4KstpSyPzfjucuWRhuZUG3hUyUeYBNqXJEDTmKooEZjMGkbvUKzfdbcyPpgw=\n"
    )
    key = parse_vkey("audit.example.com/orders+0414ac09+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx")
    assert open_checkpoint(note, "audit.example.com/orders", [key]).size == 3
    with pytest.raises(SealtrailError):
        open_checkpoint(edit(note), "audit.example.com/orders", [key])
    assert parse_note(note).signatures[0].key_id.hex() == "0414ac09"


@pytest.mark.parametrize(
    "text", ["", "# nothing", "x+y", "-----BEGIN PUBLIC KEY-----\nAA", "from=3\n", "trail=UP\n", "spki:AAAA"]
)
def test_key_files_that_hold_no_key_are_refused(text: str) -> None:
    with pytest.raises(SealtrailError, match="malformed_key"):
        parse_trusted_keys(text)


def test_canonical_json_is_that_of_rfc_8785(vectors: Vectors) -> None:
    file = vectors("jcs/rfc8785.json")
    sample = parse_json(file["sample"]["input"], "x", "it")
    assert canonical_json(sample).hex() == file["sample"]["outputHex"]
    assert is_canonical(canonical_json(sample), sample)


@pytest.mark.parametrize(
    "line",
    ['{"b":1,"a":2}', '{"a": 1}', '{"a":1.0}', '{"a":1e3}', '{"a":-0}', '{"a":"\\u0041"}', '{"a":"\\/"}', '{"a":"\\ud800"}'],
)
def test_any_other_way_to_write_it_is_not_canonical(line: str) -> None:
    assert not is_canonical(line.encode(), parse_json(line, "x", "it"))


@pytest.mark.parametrize("value", [{"a": [1, 0.5, 1e21, 1e-7]}, {"é": "\u2028\x7f"}, {"😀": 1, "\ufb33": 2}, {"n": 2**53 - 1}])
def test_what_is_canonical_is_seen_to_be(value: Any) -> None:
    line = canonical_json(value)
    assert is_canonical(line, parse_json(line, "x", "it"))


@pytest.mark.parametrize("text", ["", "{", '{"a":1,"a":1}', "NaN", "1e999", "[" * 100_000, "\ufeff{}"])
def test_what_is_no_strict_json_is_refused(text: str) -> None:
    with pytest.raises(SealtrailError, match="no_json"):
        parse_json(text, "no_json", "it")
    assert json.dumps(text)


def test_keys_of_a_log_reach_its_own_trails_where_nothing_is_for_them() -> None:
    vkey = "audit.example.com/orders+0414ac09+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx"

    def found(text: str, trail: str, log: str = "audit.example.com") -> list[str]:
        return [key.verifier.pem for key in keys_of_trail(parse_trusted_keys(text), f"{log}/{trail}", trail)]

    pem = parse_vkey(vkey).pem
    assert found(vkey, "orders") == found(vkey, "_index") == [pem]
    assert found(vkey, "payments") == found(vkey, "_index", "other.example.com") == []
    assert found(f"{vkey} to=10", "_index") == found(f"{vkey} from=10", "_index") == []
    spki = "".join(pem.splitlines()[1:-1])
    assert found(f"spki:{spki} trail=orders", "_index") == []
    assert found(f"{vkey}\nspki:{spki} trail=_index to=5", "_index") == [pem]
