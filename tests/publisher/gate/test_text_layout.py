import pytest

from publisher.gate.text_layout import columns


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("渡轮", 4),
        ("ＡＢ", 4),
        ("e\u0301", 1),
        ("العبّارة", 7),
        ("\u2068a\u2069\u200e\u00ad", 1),
        ("👩\u200d👩\u200d👧", 2),
        ("a\x07b", 2),
    ],
)
def test_a_line_is_as_wide_as_a_terminal_shows_it(text: str, width: int) -> None:
    assert columns(text) == width
