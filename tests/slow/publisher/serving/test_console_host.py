"""The console's host, as nginx itself reads it."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from publisher.config import Settings
from publisher.serving.nginx_site import nginx_config
from tests.publisher.serving.servers import found, missing
from tests.publisher.serving.test_sites import NAME, with_console
from tests.publisher.serving.test_sites import settings as settings  # noqa: PLC0414  # a fixture


@pytest.mark.skipif(missing("nginx"), reason="no nginx on this machine")
def test_nginx_finds_it_well_formed(settings: Settings, tmp_path: Path) -> None:
    text = nginx_config(with_console(settings, url=f"https://{NAME}"))
    certificates = tmp_path / "live"
    for name in ("news.example.org", NAME):
        _certify(certificates / name)
    text = text.replace("/etc/letsencrypt/live", str(certificates))
    text = text.replace("/var/log/nginx/access.log", str(tmp_path / "access.log"))
    whole = f"error_log stderr;\npid {tmp_path}/pid;\nevents {{}}\nhttp {{\n{text}\n}}\n"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [str(found("nginx")), "-t", "-c", tmp_path / "nginx.conf", "-p", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "syntax is ok" in done.stderr, done.stderr


def _certify(folder: Path) -> None:
    """Write a key, and a certificate by itself."""
    folder.mkdir(parents=True)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "privkey.pem").write_bytes(pem)
    subject = ["-subj", f"/CN={folder.name}", "-days", "2"]
    files = ["-key", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subprocess.run(["openssl", "req", "-x509", "-new", *subject, *files], check=True)
