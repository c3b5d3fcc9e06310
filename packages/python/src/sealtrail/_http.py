"""Requests signed with AWS Signature Version 4 by botocore, sent again where that can help."""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Union
from urllib.parse import quote, urlencode, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.httpsession import URLLib3Session

from .errors import SealtrailError

#: The service in the signature's scope: that of API Gateway, which the embedded server expects as well.
_SERVICE = "execute-api"
_API_GATEWAY = re.compile(r"[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_CODE = re.compile("[a-z_]{1,64}")
_CODES = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "idempotency_conflict",
    413: "batch_too_large",
    429: "rate_limited",
}
_FIRST_BACKOFF, _MAX_BACKOFF, _MAX_RETRY_AFTER = 0.1, 10.0, 60.0
Query = Mapping[str, Union[str, int, float, list[str], None]]


class Answer:
    """An answer with a status of 200 to 299."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        """The body as JSON. Raises ``unavailable`` if it is none."""
        try:
            return json.loads(self.body)
        except ValueError as cause:
            raise SealtrailError("unavailable", "the server did not answer with JSON") from cause


class SignedHttp:
    """Sends requests to one log. Safe to share between threads."""

    def __init__(self, endpoint: str, *, profile: str | None = None, region: str | None = None, timeout: float = 30.0) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SealtrailError("usage", f"{endpoint!r} is not the URL of a log", field="endpoint")
        self._endpoint = endpoint.rstrip("/")
        gateway = _API_GATEWAY.fullmatch(parts.hostname)
        session = botocore.session.Session(profile=profile)
        configured = session.get_config_variable("region")
        self._region = region or (gateway[1] if gateway else configured) or "us-east-1"
        self._session = session
        self._timeout = timeout
        self._opening = threading.Lock()
        self._open()
        self._stopped = threading.Event()

    def _open(self) -> None:
        self._wire = URLLib3Session(timeout=self._timeout, max_pool_connections=4)
        self._pid = os.getpid()

    def _connections(self) -> URLLib3Session:
        """The connections of this process. After a fork they are still the parent's, and answers would go to either."""
        if self._pid != os.getpid():
            with self._opening:
                if self._pid != os.getpid():
                    self._open()
        return self._wire

    def stop(self) -> None:
        """Ends waits between attempts."""
        self._stopped.set()

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def send(
        self,
        path: str,
        *,
        method: str = "GET",
        query: Query | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        attempts: int = 6,
    ) -> Answer:
        """Sends one request, again with full jitter on 429, 502 to 504 and when the network fails.

        A ``POST`` has an ``Idempotency-Key``, the same on each attempt. Raises :class:`SealtrailError` with the server's
        code, ``unavailable`` without an answer, ``unauthenticated`` without credentials.
        """
        all_headers = {"accept": "application/json", **(headers or {})}
        if method == "POST":
            all_headers.setdefault("content-type", "application/json")
            all_headers.setdefault("idempotency-key", str(uuid.uuid4()))
        url = f"{self._endpoint}{path}{_query_of(query or {})}"
        for attempt in range(1, attempts + 1):
            try:
                return self._attempt(method, url, body, all_headers)
            except SealtrailError as error:
                is_passing = error.code in ("rate_limited", "unavailable")
                if not is_passing or attempt == attempts or self._stopped.is_set():
                    raise
                self._stopped.wait(pause(attempt, error.retry_after))
        raise AssertionError("an attempt returns or raises")

    def _attempt(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        request = AWSRequest(method=method, url=url, data=body or b"", headers=dict(headers))
        try:
            # Asked before each attempt: botocore refreshes what expires.
            credentials = self._session.get_credentials()
            if credentials is None:
                raise NoCredentialsError
            SigV4Auth(credentials, _SERVICE, self._region).add_auth(request)
        except BotoCoreError as cause:
            raise SealtrailError("unauthenticated", f"there are no credentials to sign with: {cause}") from cause
        try:
            response = self._connections().send(request.prepare())
            answer = Answer(response.status_code, response.headers, response.content)
        except BotoCoreError as cause:
            raise SealtrailError("unavailable", f"the log does not answer: {cause}") from cause
        if 200 <= answer.status < 300:
            return answer
        raise _problem_of(answer)


def pause(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait after an attempt (from 1): full jitter, on top of what the server asks for."""
    ceiling: float = min(_MAX_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(attempt - 1, 20))
    return min(_MAX_RETRY_AFTER, retry_after or 0.0) + random.random() * ceiling


def percent_encode(text: str) -> str:
    """For one segment of a path (RFC 3986, unreserved characters alone stay)."""
    return quote(text, safe="-._~")


def _query_of(query: Query) -> str:
    pairs = [
        (name, str(one))
        for name, value in query.items()
        if value is not None
        for one in (value if isinstance(value, list) else [value])
    ]
    return f"?{urlencode(pairs, quote_via=quote, safe='-._~')}" if pairs else ""


def _problem_of(answer: Answer) -> SealtrailError:
    """The error that a problem document (RFC 9457), or what a gateway sends in its place, stands for."""
    try:
        problem = json.loads(answer.body)
    except ValueError:
        problem = {}
    problem = problem if isinstance(problem, dict) else {}
    code, field = problem.get("code"), problem.get("field")
    if not isinstance(code, str) or _CODE.fullmatch(code) is None:
        code = _CODES.get(answer.status) or ("unavailable" if answer.status in (502, 503, 504) else None)
    text = problem.get("detail") or problem.get("title") or f"the server answered {answer.status}"
    return SealtrailError(
        code or ("invalid_parameter" if answer.status < 500 else "internal"),
        str(text),
        field=field if isinstance(field, str) else None,
        retry_after=_seconds(answer.headers.get("retry-after")),
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text) else None


def now_ms() -> int:
    """This clock, in Unix milliseconds."""
    return time.time_ns() // 1_000_000
