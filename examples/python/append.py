"""Appends one event. pip install botocore && python append.py"""

import json
import os
import uuid

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

endpoint = os.environ["SEALTRAIL_ENDPOINT"]
session = botocore.session.get_session()
signer = SigV4Auth(
    session.get_credentials(), "execute-api", session.get_config_variable("region") or "us-east-1"
)

event = {
    "type": "model.deployed",
    "actor": {"id": "ci", "type": "service"},
    "resource": {"type": "model", "id": "churn-7"},
    "details": {"accuracy": 0.93},
}
request = AWSRequest(
    method="POST",
    url=f"{endpoint}/v1/trails/examples/events",
    data=json.dumps(event),
    # The same key gives the same receipt: keep it for retries.
    headers={"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())},
)
signer.add_auth(request)
response = URLLib3Session().send(request.prepare())
if response.status_code not in (200, 201):
    raise SystemExit(f"{response.status_code} {response.text}")
receipt = json.loads(response.text)
print(f"record {receipt['first']} of {receipt['trail']}")
