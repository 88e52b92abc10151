"""A small S3 on the loopback interface, with what our client asks for: it believes no unsigned request.

Signatures are checked as Signature Version 4 says, by code of its own. Objects live in memory.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY_ID, SECRET, BUCKET, REGION = "AKIDTESTS", "a secret of the bucket", "lantern", "eu-test-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
_KEPT = ("Content-Type", "Cache-Control", "Content-Encoding")
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>[^,]+), ?"
    r"SignedHeaders=(?P<signed>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


@dataclass(frozen=True)
class StoredObject:
    content: bytes
    headers: Mapping[str, str]

    @property
    def tag(self) -> str:
        return f'"{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}"'


@dataclass
class S3:
    """The objects, and what was asked. A fault is an answer instead of the right one, or None."""

    objects: dict[str, StoredObject] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], tuple[int, str] | None] = lambda _method, _key: None
    # Keys of one page of a listing.
    page: int = 7
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    address: str = ""

    def changes(self) -> list[tuple[str, str]]:
        return [one for one in self.requests if one[0] in {"PUT", "DELETE"}]


@contextmanager
def running_s3() -> Iterator[S3]:
    s3 = S3()
    handler = type("Handler", (_Handler,), {"s3": s3})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    s3.address = f"http://127.0.0.1:{server.server_port}"
    # Asked so often whether it is to end.
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: S3

    def log_message(self, *_arguments: Any) -> None:
        pass

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        bucket, _, raw = url.path.lstrip("/").partition("/")
        key, query = unquote(raw), dict(parse_qsl(url.query, keep_blank_values=True))
        with self.s3.lock:
            self.s3.requests.append((self.command, key))
        fault = self.s3.fault(self.command, key)
        try:
            if fault:
                self._refuse(*fault)
            elif problem := self._signature_problem(url.path, query, body):
                self._refuse(403, problem)
            elif bucket != BUCKET:
                self._refuse(404, "NoSuchBucket")
            else:
                with self.s3.lock:
                    self._answer(key, query, body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a client that did not wait

    do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815

    def _signature_problem(self, path: str, query: Mapping[str, str], body: bytes) -> str:
        found = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
        if not found or found["id"] != KEY_ID:
            return "InvalidAccessKeyId"
        told = self.headers["x-amz-content-sha256"]
        if told != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        signed = found["signed"].split(";")
        must = {"host", "x-amz-date", "x-amz-content-sha256"}
        # AWS counts on it that what is stored is signed, too: nobody can change it on the way.
        must |= {one.lower() for one in self.headers if one.lower().startswith("x-amz-")}
        if must - set(signed):
            return "AccessDenied"
        pairs = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in query.items())
        fields = "".join(f"{one}:{' '.join(self.headers[one].split())}\n" for one in signed)
        lines = (self.command, path, "&".join(f"{k}={v}" for k, v in pairs), fields)
        request = "\n".join((*lines, ";".join(signed), told))
        date, scope = self.headers["x-amz-date"], found["scope"]
        if scope != f"{date[:8]}/{REGION}/s3/aws4_request":
            return "AuthorizationHeaderMalformed"
        text = "\n".join(
            ("AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest())
        )
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        right = hmac.digest(key, text.encode(), "sha256").hex()
        return "" if right == found["signature"] else "SignatureDoesNotMatch"

    def _answer(self, key: str, query: Mapping[str, str], body: bytes) -> None:
        if self.command == "GET" and "list-type" in query:
            self._list(query)
        elif self.command == "GET":
            self._get(key)
        elif self.command == "PUT" and "partNumber" in query:
            self.s3.uploads[query["uploadId"]][int(query["partNumber"])] = body
            self._send(200, b"", {"ETag": StoredObject(body, {}).tag})
        elif self.command == "PUT":
            self._put(key, body)
        elif "delete" in query:
            self._delete(body)
        elif "uploads" in query:
            self._begin(key)
        elif self.command == "DELETE":
            self._abort(query["uploadId"])
        else:
            self._complete(key, query["uploadId"])

    def _get(self, key: str) -> None:
        found = self.s3.objects.get(key)
        if found is None:
            self._refuse(404, "NoSuchKey")
        else:
            validators = {"ETag": found.tag, "Last-Modified": _DATE}
            self._send(200, found.content, {**found.headers, **validators})

    def _put(self, key: str, body: bytes) -> None:
        known = self.s3.objects.get(key)
        wanted, unwanted = self.headers.get("If-Match"), self.headers.get("If-None-Match")
        if (wanted and (known is None or known.tag != wanted)) or (unwanted and known):
            self._refuse(412, "PreconditionFailed")
            return
        self._store(key, body, self._headers())
        self._send(200, b"", {"ETag": self.s3.objects[key].tag})

    def _headers(self) -> dict[str, str]:
        return {name: self.headers[name] for name in _KEPT if name in self.headers}

    def _store(self, key: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.s3.objects[key] = StoredObject(body, headers)

    def _begin(self, key: str) -> None:
        number = str(len(self.s3.uploads))
        self.s3.uploads[number] = {}
        # Header fields are given here, and no more when it is complete.
        self.s3.objects[f"upload {number}"] = StoredObject(b"", self._headers())
        self._xml(
            f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key>"
            f"<UploadId>{number}</UploadId></InitiateMultipartUploadResult>"
        )

    def _complete(self, key: str, number: str) -> None:
        headers = self.s3.objects.pop(f"upload {number}").headers
        parts = self.s3.uploads.pop(number)
        self._store(key, b"".join(parts[one] for one in sorted(parts)), headers)
        tag = self.s3.objects[key].tag
        self._xml(
            f"<CompleteMultipartUploadResult><ETag>{escape(tag)}</ETag></CompleteMultipartUploadResult>"
        )

    def _abort(self, number: str) -> None:
        del self.s3.objects[f"upload {number}"], self.s3.uploads[number]
        self._send(204, b"", {})

    def _delete(self, body: bytes) -> None:
        keys = [unescape(one) for one in re.findall(r"<Key>(.*?)</Key>", body.decode())]
        for key in keys:
            self.s3.objects.pop(key, None)
            self.s3.requests.append(("DELETE", key))
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._xml(f"<DeleteResult>{deleted}</DeleteResult>")

    def _list(self, query: Mapping[str, str]) -> None:
        after = query.get("continuation-token", "")
        keys = sorted(k for k in list(self.s3.objects) if k.startswith(query.get("prefix", "")))
        left = [key for key in keys if key > after]
        shown = left[: self.s3.page]
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2015-10-21T07:28:00.000Z</LastModified>"
            f"<ETag>{escape(self.s3.objects[key].tag)}</ETag>"
            f"<Size>{len(self.s3.objects[key].content)}</Size></Contents>"
            for key in shown
        )
        more = left[len(shown) :]
        token = (
            f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>"
            if more
            else ""
        )
        self._xml(
            f"<ListBucketResult><IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
            f"{token}{entries}</ListBucketResult>"
        )

    def _xml(self, text: str) -> None:
        content = f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
        self._send(200, content, {"Content-Type": "application/xml"})

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code></Error>".encode(), {})

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(HTTPStatus(status))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def unescape(text: str) -> str:
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'")):
        text = text.replace(entity, character)
    return text.replace("&amp;", "&")
