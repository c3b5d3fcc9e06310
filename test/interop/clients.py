"""Signs with botocore and with libcurl 8, and says what came of it: one JSON document a line.

Reads from the environment: ENDPOINT; PROFILE, in the file that AWS_SHARED_CREDENTIALS_FILE names.
Reads from standard input: a JSON array of {method, target, body, headers}.
"""

import io
import json
import os
import sys
from urllib.parse import parse_qsl, urlsplit

import botocore.session
import pycurl
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

ENDPOINT = os.environ["ENDPOINT"]
CREDENTIALS = botocore.session.Session(profile=os.environ["PROFILE"]).get_credentials()


def send_with_botocore(request, parameters_apart):
    url, params = ENDPOINT + request["target"], []
    if parameters_apart:
        params = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        url = url.split("?")[0]
    aws_request = AWSRequest(
        method=request["method"],
        url=url,
        params=params,
        data=request["body"].encode() or None,
        headers=dict(request["headers"]),
    )
    SigV4Auth(CREDENTIALS, "execute-api", "eu-north-1").add_auth(aws_request)
    response = URLLib3Session().send(aws_request.prepare())
    return response.status_code, response.text


def send_with_curl(request):
    handle, answer = pycurl.Curl(), io.BytesIO()
    handle.setopt(pycurl.URL, ENDPOINT + request["target"])
    handle.setopt(pycurl.USERPWD, f"{CREDENTIALS.access_key}:{CREDENTIALS.secret_key}")
    handle.setopt(pycurl.AWS_SIGV4, "aws:amz:eu-north-1:execute-api")
    handle.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in request["headers"].items()])
    handle.setopt(pycurl.WRITEDATA, answer)
    if request["method"] == "POST":
        handle.setopt(pycurl.POSTFIELDS, request["body"].encode())
    handle.perform()
    return handle.getinfo(pycurl.RESPONSE_CODE), answer.getvalue().decode()


CLIENTS = {
    "botocore": lambda request: send_with_botocore(request, False),
    "botocore, parameters apart": lambda request: send_with_botocore(request, True),
    f"libcurl {pycurl.version_info()[1]}": send_with_curl,
}

for request in json.load(sys.stdin):
    for client, send in CLIENTS.items():
        status, text = send(request)
        print(json.dumps({"client": client, "target": request["target"], "status": status, "text": text}))
