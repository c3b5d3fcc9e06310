"""Sealtrail for Python: a logger, questions, and checks that need no log.

>>> from sealtrail import AuditLogger
>>> audit = AuditLogger("orders", endpoint="http://127.0.0.1:8321", profile="writer")
>>> audit.log("invoice.paid", actor="alice", details={"total": 12})
>>> audit.close()
"""

from ._handle import Handle, Landed
from .errors import SealtrailError
from .logger import AuditLogger
from .note import Checkpoint, Verifier, open_checkpoint, parse_vkey, verifier_from_pem
from .reader import Reader
from .receipt import check_consistency_file, check_proof, check_receipt
from .record import Record, parse_record
from .tree import check_consistency, check_inclusion, check_range, leaf_hash
from .trust import TrustedKey, parse_trusted_keys
from .verify import Problem, Report, verify_archive

__version__ = "0.1.0"
__all__ = [
    "AuditLogger",
    "Checkpoint",
    "Handle",
    "Landed",
    "Problem",
    "Reader",
    "Record",
    "Report",
    "SealtrailError",
    "TrustedKey",
    "Verifier",
    "check_consistency",
    "check_consistency_file",
    "check_inclusion",
    "check_proof",
    "check_range",
    "check_receipt",
    "leaf_hash",
    "open_checkpoint",
    "parse_record",
    "parse_trusted_keys",
    "parse_vkey",
    "verifier_from_pem",
    "verify_archive",
]
