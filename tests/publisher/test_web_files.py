import pytest

from publisher.web_files import strip_host

ROOT = "https://news.example.org"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (f'<a href="{ROOT}/en/">', '<a href="/en/">'),
        (f'<a class="x" href="{ROOT}/en/#top">', '<a class="x" href="/en/#top">'),
        (f'<img alt="" src="{ROOT}/media/1/a.png">', '<img alt="" src="/media/1/a.png">'),
        ('<a href="#top">', '<a href="#top">'),
        ('<a href="https://example.net/en/">', '<a href="https://example.net/en/">'),
        # Without our host, the rest would name another.
        (f'<a href="{ROOT}//evil.example/">', f'<a href="{ROOT}//evil.example/">'),
        (f'<img src="{ROOT}//evil.example/a.png">', f'<img src="{ROOT}//evil.example/a.png">'),
        # Another host that begins alike is another host.
        (f'<a href="{ROOT}.example.net/">', f'<a href="{ROOT}.example.net/">'),
        (
            f'<link rel="canonical" href="{ROOT}/en/">',
            f'<link rel="canonical" href="{ROOT}/en/">',
        ),
        (f"<p>{ROOT}/en/</p>", f"<p>{ROOT}/en/</p>"),
    ],
)
def test_only_followed_links_lose_the_host(page: str, expected: str) -> None:
    assert strip_host(page, ROOT) == expected


def test_a_web_root_below_a_path_keeps_the_path() -> None:
    root = "https://example.org/news"

    assert strip_host(f'<a href="{root}/en/">', root) == '<a href="/news/en/">'
