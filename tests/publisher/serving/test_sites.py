"""The configurations of web servers as text; what they do is in test_answers."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.config import Settings
from publisher.config.publication import FeedSettings
from publisher.config.web import ConsoleSettings, WebSettings
from publisher.errors import UsageError
from publisher.serving.nginx_site import nginx_config
from tests.publisher.serving.samples import make_settings
from tools.servers.web_servers import REPOSITORY


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def test_the_root_is_the_folder_here_unless_said(settings: Settings) -> None:
    public = str(settings.folders.public)
    assert public in nginx_config(settings)
    assert public not in nginx_config(settings, "/srv/elsewhere/")
    assert 'root "/srv/elsewhere"' in nginx_config(settings, "/srv/elsewhere/")


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        ("public", "not an absolute path"),
        ("/srv/a`b", "contains '`'"),
        ("/srv/$uri", r"contains '\$'"),
        ('/srv/";', "contains '\"'"),
        ("/srv/a\nb", r"contains '\\n'"),
    ],
)
def test_a_path_that_cannot_be_written_down_is_refused(
    settings: Settings, root: str, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        nginx_config(settings, root)


def test_a_url_that_cannot_be_written_is_refused_and_numbers_are_bracketed(
    tmp_path: Path,
) -> None:
    settings = make_settings(tmp_path, "https://news.example.org/$paper")
    with pytest.raises(UsageError, match=r"publication\.url"):
        nginx_config(settings, "/srv/public")
    text = nginx_config(make_settings(tmp_path, "http://[2001:db8::1]:8080"), "/srv/public")
    assert "server_name [2001:db8::1];" in text


@pytest.mark.parametrize(
    ("url", "listens"),
    [
        ("https://news.example.org", ["80", "[::]:80", "443 ssl", "[::]:443 ssl"]),
        ("https://news.example.org:8443", ["80", "[::]:80", "8443 ssl", "[::]:8443 ssl"]),
        ("http://news.example.org", ["80", "[::]:80"]),
        ("http://news.example.org:8080", ["8080", "[::]:8080"]),
    ],
)
def test_nginx_listens_where_the_url_says(tmp_path: Path, url: str, listens: list[str]) -> None:
    text = nginx_config(make_settings(tmp_path, url), "/srv/public")
    assert re.findall(r"listen (.*);", text) == listens
    assert ("ssl_certificate" in text) is url.startswith("https")


def test_self_is_written_as_the_url_is(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, "https://example.org/my%20blog")
    targets = re.findall(
        r"<([^<>$]*?)[^/<>]*>; rel=.{0,1}\"self", nginx_config(settings, "/srv/public")
    )
    assert set(targets) == {"https://example.org/my%20blog/"}


def test_brotli_the_ttl_and_the_host_are_written_as_they_are_set(settings: Settings) -> None:
    assert "\n    brotli_static on;" in nginx_config(settings, brotli=True)
    assert "\n    # brotli_static on;" in nginx_config(settings)
    weekly = replace(settings, feeds=FeedSettings(ttl=10_080))
    assert "public, max-age=604800" in nginx_config(weekly)
    where = "docs/reference/serving.md says what to do for two publications on one"
    assert where in nginx_config(settings)
    assert "\n## Two publications on one host\n" in (
        REPOSITORY / "docs/reference/serving.md"
    ).read_text("utf-8")


def test_two_publications_fit_into_one_nginx(tmp_path: Path) -> None:
    host = f"{40 * 'a'}.example.org"
    texts = [
        nginx_config(make_settings(tmp_path / name, f"http://{host}/{name}"), "/srv/public")
        for name in ("one", "two")
    ]
    names = [set(re.findall(r"\$(site_\w+)", text)) for text in texts]
    assert not names[0] & names[1]
    assert max(map(len, names[0] | names[1])) <= 40


NAME = "console.example.org"


def with_console(settings: Settings, **console: object) -> Settings:
    return replace(settings, console=ConsoleSettings.model_validate(console))


def block_of(text: str, listens: str) -> str:
    """Give the server block of the console that listens so."""
    blocks = re.findall(r"(?ms)^server \{\n.*?^\}", text)
    (block,) = (text for text in blocks if NAME in text and f"listen {listens};" in text)
    return str(block)


def test_nginx_passes_the_console_s_host_on_and_logs_no_query(settings: Settings) -> None:
    text = nginx_config(with_console(settings, url=f"https://{NAME}", port=9000))
    secure = block_of(text, "443 ssl")
    assert "proxy_pass http://127.0.0.1:9000;" in secure
    assert "proxy_set_header Host $http_host;" in secure
    (log,) = re.findall(r"access_log \S+ (\S+);", secure)
    assert f"log_format {log} " in text
    assert "$args" not in text
    assert f"return 301 https://{NAME}$request_uri;" in block_of(text, "80")


@pytest.mark.parametrize("console", [{}, {"enabled": False, "url": f"https://{NAME}"}])
def test_a_console_of_this_machine_or_none_is_not_printed(
    settings: Settings, console: dict[str, object]
) -> None:
    assert nginx_config(with_console(settings, **console)) == nginx_config(settings)
    assert NAME not in nginx_config(settings)


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
