from pathlib import Path

from tests.publisher.cli.conftest import Run
from tests.publisher.lanterns import FRIDAY


def test_a_preview_uses_the_publications_own_templates(
    run: Run, lantern: Path, tmp_path: Path
) -> None:
    own = lantern / "templates" / "email" / "digest"
    own.mkdir(parents=True)
    (own / "body.txt").write_text("Our own words.")
    out = tmp_path / "digest.txt"

    code, _out, _err = run("preview", "weekly", lantern, "--now", FRIDAY, "--out", out)

    assert code == 0
    assert "Our own words." in out.read_text("utf-8")
