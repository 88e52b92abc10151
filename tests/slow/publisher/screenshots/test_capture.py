"""Real photographs, in a real Chromium."""

from io import BytesIO

import pytest
from PIL import Image

from publisher.errors import UsageError
from publisher.screenshots.capture import (
    _WINDOW_HEIGHT,
    MAIL_VIEWS,
    Screenshot,
    capture_mail,
)

Colour = tuple[int, int, int]

# A block that is green on telephones, red elsewhere, on white or black, and a script.
MAIL = """<!DOCTYPE html>
<html><head><style>
body { margin: 0; background: #ffffff }
.block { height: 1000px; background: #ff0000 }
@media (max-width: 400px) { .block { height: 1500px; background: #008000 } }
@media (prefers-color-scheme: dark) { body { background: #000000 } }
</style></head>
<body><div class="block"></div><div style="height: 300px"></div>
<script>document.body.innerHTML = ""</script></body></html>"""
RED, GREEN, WHITE, BLACK = (255, 0, 0), (0, 128, 0), (255, 255, 255), (0, 0, 0)


def taken(
    program: str, html: str = MAIL, window: int = _WINDOW_HEIGHT
) -> dict[str, Screenshot]:
    found = capture_mail(program, "zh-Hant", html, window=window)
    return {one.name: one for one in found}


def colours(one: Screenshot) -> tuple[tuple[int, int], object, object]:
    """Give a picture's size, and its colours at the top left and the bottom right."""
    with Image.open(BytesIO(one.picture)) as opened:
        picture = opened.convert("RGB")
    width, height = picture.size
    return picture.size, picture.getpixel((0, 0)), picture.getpixel((width - 1, height - 1))


def test_a_whole_mail_is_shown_in_each_view_and_its_scripts_are_not_run(program: str) -> None:
    found = taken(program)

    assert {name: colours(one) for name, one in found.items()} == {
        "zh-Hant-light-600": ((600, 1300), RED, WHITE),
        "zh-Hant-light-320": ((320, 1800), GREEN, WHITE),
        "zh-Hant-dark-600": ((600, 1300), RED, BLACK),
        "zh-Hant-dark-320": ((320, 1800), GREEN, BLACK),
    }


def test_a_long_mail_is_the_same_in_several_windows(program: str) -> None:
    whole, in_pieces = taken(program, window=3000), taken(program, window=900)

    assert whole == in_pieces


def test_a_mail_without_end_is_refused(program: str) -> None:
    with pytest.raises(UsageError, match=r"^zh-Hant: the mail is 200000 pixels long"):
        taken(program, '<!DOCTYPE html><body style="margin:0;height:200000px">')


def test_views_can_be_chosen(program: str) -> None:
    (one,) = capture_mail(program, "en", MAIL, MAIL_VIEWS[3:])

    assert one.name == "en-dark-320"
    assert colours(one) == ((320, 1800), GREEN, BLACK)
