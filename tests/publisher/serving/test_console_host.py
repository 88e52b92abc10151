"""The console's host in configurations of web servers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from publisher.config import Settings
from publisher.config.console import ConsoleSettings
from publisher.config.web import WebSettings
from publisher.serving import caddy_config, nginx_config
from tests.publisher.serving.test_sites import settings as settings  # noqa: PLC0414  # a fixture

NAME = "console.example.org"


def with_console(settings: Settings, **console: object) -> Settings:
    return replace(settings, console=ConsoleSettings.model_validate(console))


def block_of(text: str, listens: str) -> str:
    """Give the server block of the console that listens so."""
    blocks = re.findall(r"(?ms)^server \{\n.*?^\}", text)
    found: str
    (found,) = (one for one in blocks if NAME in one and f"listen {listens};" in one)
    return found


def test_nginx_passes_the_console_s_host_on_and_logs_no_query(settings: Settings) -> None:
    text = nginx_config(with_console(settings, url=f"https://{NAME}", port=9000))
    secure = block_of(text, "443 ssl")
    assert "proxy_pass http://127.0.0.1:9000;" in secure
    assert "proxy_set_header Host $http_host;" in secure
    (log,) = re.findall(r"access_log \S+ (\S+);", secure)
    assert f"log_format {log} " in text
    assert "$args" not in text
    assert f"return 301 https://{NAME}$request_uri;" in block_of(text, "80")


def test_caddy_passes_it_on(settings: Settings) -> None:
    text = caddy_config(with_console(settings, url=f"https://{NAME}:8443", host="0.0.0.0"))
    site = text.partition(f"\nhttps://{NAME}:8443 {{\n")[2]
    assert "\treverse_proxy 127.0.0.1:8090\n" in site
    assert text.endswith("}\n")


@pytest.mark.parametrize("console", [{}, {"enabled": False, "url": f"https://{NAME}"}])
def test_a_console_of_this_machine_or_none_is_not_printed(
    settings: Settings, console: dict[str, object]
) -> None:
    for write in (nginx_config, caddy_config):
        assert write(with_console(settings, **console)) == write(settings)
        assert NAME not in write(settings)


def test_the_console_s_log_has_a_format_without_subscribers_pages(settings: Settings) -> None:
    console = with_console(settings, url=f"https://{NAME}")
    text = nginx_config(replace(console, web=WebSettings(enabled=False)))
    (log,) = set(re.findall(r"access_log \S+ (\S+);", text))
    assert f"log_format {log} " in text


@pytest.mark.parametrize(
    ("host", "address"), [("::", "[::1]:8090"), ("10.0.0.2", "10.0.0.2:8090")]
)
def test_the_console_is_found_where_it_listens(host: str, address: str) -> None:
    assert ConsoleSettings(host=host).address == address
