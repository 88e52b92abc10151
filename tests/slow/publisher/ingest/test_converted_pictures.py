"""Pictures are converted in a process with limits, and the article goes on without those that fail."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from publisher.errors import ArticleError
from publisher.pictures import picture_converter
from publisher.pictures.conversion import convert_picture
from tests.publisher.conftest import PublicationFolder
from tests.publisher.ingest.helpers import drawn, stored_problems
from tests.publisher.test_pictures import svg

# Megabytes that a process of this program may take.
MOST_MEMORY = 250
PROGRAM = """
import resource, subprocess, sys
subprocess.run([sys.executable, sys.argv[1], "--narrow"], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def test_a_drawing_and_a_scan_of_an_article_are_published_in_formats_that_mails_show(
    publication: PublicationFolder,
) -> None:
    publication.write("pier.svg", svg('width="400" height="300"'))
    publication.write("scan.tiff", drawn("TIFF", 640, 480))
    publication.write("bad.svg", b"<svg")
    body = "![A pier](pier.svg)\n\n![A scan](scan.tiff)\n\n![A sketch](bad.svg)\n\n![A pier](pier.svg)"
    done = publication.pick_up_file("ferry.md", body, title="The ferry")
    assert (done.new, done.quarantined) == (1, 0)
    ferry = publication.one("ferry")
    assert 'alt="A pier" width="400" height="300"' in ferry.html
    assert ferry.picture is not None
    assert ferry.picture.src.endswith("/pier.png")
    media = publication.settings.folders.public / "media"
    assert sorted(path.name for path in media.rglob("*.*")) == ["pier.png", "scan.jpg"]
    problems = [one.problem for one in stored_problems(publication)]
    assert [(one.line, one.what) for one in problems if one.kind == "unsupported-picture"] == [
        (8, "bad.svg: is no valid SVG; export it as PNG")
    ]
    # A changed drawing changes its article.
    publication.write("pier.svg", svg('width="200" height="150"'))
    assert publication.pick_up().changed == 1
    assert 'width="200" height="150"' in publication.one("ferry").html


def test_a_drawing_that_multiplies_itself_ends_with_a_reason() -> None:
    uses = "".join(
        f'<g id="a{n + 1}">' + f'<use href="#a{n}"/>' * 10 + "</g>" for n in range(12)
    )
    bomb = svg(
        'width="900" height="900"', f'<g id="a0"><rect width="900" height="900"/></g>{uses}'
    )
    with pytest.raises(ArticleError, match="export it as PNG"):
        convert_picture(bomb)


@pytest.mark.parametrize("family", ["", ' font-family="No Such Font, sans-serif"'])
def test_words_of_a_drawing_are_there_or_it_is_refused(family: str) -> None:
    label = f'<text x="5" y="20" font-size="16"{family}>Low tide</text>'
    if not any(Path("/usr/share/fonts").rglob("*.ttf")):
        with pytest.raises(ArticleError, match="needs a font"):
            convert_picture(svg('width="90" height="30"', label))
    else:
        content = convert_picture(svg('width="90" height="30"', label))
        colours = Image.open(BytesIO(content)).convert("RGBA").getcolors(4096)
        assert len(colours or []) > 1


def test_narrower_copies_of_a_poster_are_made_in_the_memory_that_a_small_server_has() -> None:
    file = BytesIO()
    Image.linear_gradient("L").resize((6600, 5500)).convert("RGBA").save(file, "PNG")
    command = [sys.executable, "-c", PROGRAM, str(picture_converter.__file__)]
    done = subprocess.run(command, input=file.getvalue(), capture_output=True, check=True)
    assert 100 < int(done.stdout) < MOST_MEMORY
