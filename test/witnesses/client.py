"""witness-log's own log, submitted to our witness: its bodies, and its judgement of our answers.

Arguments: the URL of our witness, its logs.txt, its vkey.
"""

import base64
import sys
import urllib.error
import urllib.request
from pathlib import Path

import witness_log

url, logs_file, vkey = sys.argv[1:4]
log = witness_log.WitnessLog.generate()
for n in range(5):
    log.append_intent(b"intent %d" % n)
origin = log.canonical_origin()
with Path(logs_file).open("a") as file:
    file.write(f"vkey {log.c2sp_vkey(origin)}\norigin {origin}\n")


def post(body: str) -> "tuple[int, str, str]":
    request = urllib.request.Request(url + "add-checkpoint", body.encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


status, _, first = post(log.add_checkpoint_body(0))
assert status == 200, (status, first)
key = base64.b64decode(vkey.split("+", 2)[2])[1:].hex()
_, accepted = log.dossier_from_responses([(key, first)])
assert accepted == 1, accepted
print("ok witness-log takes our cosignature")
for n in range(9):
    log.append_result(b"result %d" % n)
status, _, grown = post(log.add_checkpoint_body(5))
assert status == 200, (status, grown)
status, kind, answer = post(log.add_checkpoint_body(5))
assert (status, kind, answer) == (409, "text/x.tlog.size", "14\n"), (status, kind, answer)
status, _, answer = post(log.add_checkpoint_body(14).replace("old 14", "old 15"))
assert status == 400, (status, answer)
other = witness_log.WitnessLog.generate()
other.append_intent(b"x")
status, _, answer = post(other.add_checkpoint_body(0))
assert status == 404, (status, answer)
print("ok witness-log's bodies: 200, 200, 409 with the size, 400, 404")
