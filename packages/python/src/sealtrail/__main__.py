"""``python -m sealtrail``: checks of archives, proofs and receipts, offline."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import SealtrailError
from .note import Verifier
from .receipt import check_consistency_file, check_proof, check_receipt
from .trust import TrustedKey, keys_of_trail, parse_trusted_keys
from .verify import Report, verify_archive

#: As of the program ``sealtrail``: fine; what was checked is not right; usage, or unreadable input.
_OK, _WRONG, _USAGE = 0, 1, 2
_INPUT_CODES = frozenset(("usage", "not_found", "malformed_key"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        trust = parse_trusted_keys(Path(options.key).read_text("utf-8"))
        code: int = options.run(options, trust)
    except SealtrailError as error:
        print(f"sealtrail: {error}", file=sys.stderr)
        return _USAGE if error.code in _INPUT_CODES else _WRONG
    except (OSError, ValueError) as error:
        print(f"sealtrail: {error}", file=sys.stderr)
        return _USAGE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m sealtrail", description="Checks what a Sealtrail log gave out, without the log."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--key", required=True, metavar="FILE", help="the keys to trust: vkeys or PEMs")
        return command

    verify = add("verify", _verify, "verify an archive in a folder")
    verify.add_argument("archive")
    verify.add_argument("--log-name", help="the name that the log must have")
    verify.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help="a checkpoint kept from earlier")
    verify.add_argument("--json", action="store_true", help="print the report as JSON")
    proof = add("verify-proof", _verify_proof, "check the proof of a record, a C2SP tlog-proof")
    proof.add_argument("record", help="a file with the record's line")
    proof.add_argument("proof")
    receipt = add("verify-receipt", _verify_receipt, "check a receipt, as the log gave it")
    receipt.add_argument("receipt")
    consistency = add("verify-consistency", _verify_consistency, "check a consistency file")
    consistency.add_argument("file")
    return parser


def _verify(options: argparse.Namespace, trust: Sequence[TrustedKey]) -> int:
    kept = [Path(file).read_text("utf-8") for file in options.checkpoint]
    is_terminal = sys.stderr.isatty()

    def progress(trail: str, size: int) -> None:
        if is_terminal:
            print(f"{trail}: {size:,} records", file=sys.stderr)

    report = verify_archive(options.archive, trust, log_name=options.log_name, kept=kept, on_trail=progress)
    print(json.dumps(report.to_dict(), indent=2) if options.json else _text_of(report))
    if report.verdict == "ok":
        return _OK
    return _WRONG


def _text_of(report: Report) -> str:
    total = sum(report.proven.values())
    lines = [f"{report.verdict}: {total:,} records of {len(report.proven)} trails of {report.log_name} are proven"]
    lines += [f"  {one.kind} {_escaped(one.object)}: {_escaped(one.message)}" for one in report.problems]
    lines += [f"  not checked: {one}" for one in report.not_checked]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """For a terminal: names and texts of an archive may be an attacker's."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _verifiers(trust: Sequence[TrustedKey], origin: str, size: int) -> list[Verifier]:
    keys = keys_of_trail(trust, origin, origin.rpartition("/")[2])
    return [key.verifier for key in keys if key.since <= size <= key.until]


def _verify_proof(options: argparse.Namespace, trust: Sequence[TrustedKey]) -> int:
    line = Path(options.record).read_bytes()
    line = line[:-1] if line.endswith(b"\n") else line
    record, checkpoint = check_proof(line, Path(options.proof).read_bytes(), lambda *of: _verifiers(trust, *of))
    print(f"ok: record {record.seq} is in {checkpoint.origin}, under a signed checkpoint of {checkpoint.size:,} records")
    return _OK


def _verify_receipt(options: argparse.Namespace, trust: Sequence[TrustedKey]) -> int:
    receipt = json.loads(Path(options.receipt).read_text("utf-8"))
    if not isinstance(receipt, dict) or not isinstance(receipt.get("events"), list):
        raise SealtrailError("proof_mismatch", "the file does not hold a receipt")
    count = len(receipt["events"])
    checkpoint = check_receipt(receipt, str(receipt.get("trail")), count, lambda *of: _verifiers(trust, *of))
    if checkpoint is None:
        raise SealtrailError(
            "proof_mismatch", "the receipt was given before a checkpoint covered its events: it proves nothing yet"
        )
    print(f"ok: {count} records from {receipt['first']} on are in {checkpoint.origin}, of {checkpoint.size:,} records")
    return _OK


def _verify_consistency(options: argparse.Namespace, trust: Sequence[TrustedKey]) -> int:
    older, newer = check_consistency_file(Path(options.file).read_bytes(), lambda *of: _verifiers(trust, *of))
    print(f"ok: {newer.origin} of {newer.size:,} records begins with its {older.size:,} records")
    return _OK


if __name__ == "__main__":
    sys.exit(main())
