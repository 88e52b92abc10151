"""What is published into a git work tree is committed by name, as whoever published it; what fails is said."""

import subprocess
from pathlib import Path

import pytest

from publisher.accounts.audit import read_log
from publisher.accounts.model import Actor, Grant, Role
from publisher.accounts.store import NewAccount, add_account
from publisher.app import drafts
from publisher.app.drafts import PublishedFile
from tests.publisher.app.test_drafts import Make
from tests.publisher.conftest import PublicationFolder, editing_state

SOURCE = {"kind": "folder", "path": "articles", "editable": True, "git_commit": True}


@pytest.fixture
def publication(
    new_publication: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> PublicationFolder:
    # Nothing of whoever runs the tests: no identity, no hooks.
    monkeypatch.setenv("HOME", str(tmp_path))
    made = new_publication(sources=[SOURCE])
    git(made, "init", "--quiet")
    return made


def git(publication: PublicationFolder, *words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=publication.articles, check=True, capture_output=True)
    return done.stdout.decode()


def publish(publication: PublicationFolder, title: str, who: str = "ann") -> PublishedFile:
    state, now = editing_state(publication), publication.clock.now()
    email, grants = f"{who}@example.org", (Grant(Role.EDITOR),)
    with publication.database.writing() as connection:
        account = add_account(connection, NewAccount(email, "Ann Lee", "en", grants), now)
    actor = Actor(name=email, via="console", account_id=account.id, grants=grants)
    draft = drafts.begin_article(state, actor, "articles", "en", title)
    draft = drafts.save_draft(state, actor, draft.id, 0, {"text": "Words."})
    return drafts.publish_draft(state, actor, draft.id, draft.version, base="", original="")


def verbs(publication: PublicationFolder) -> dict[str, object]:
    with publication.database.reading() as connection:
        return {one.verb: one.details.get("problem") for _number, one in read_log(connection)}


def test_a_file_is_committed_alone_by_its_author(publication: PublicationFolder) -> None:
    publication.write("staged.md", "Not yet.", title="Staged")
    git(publication, "add", "staged.md")
    published = publish(publication, "--amend the *tide*")
    assert (published.path.name, published.not_committed) == ("amend-the-tide.md", "")
    shown = git(publication, "log", "--format=%an <%ae> %s", "--name-only")
    assert shown == "Ann Lee <ann@example.org> --amend the *tide*\n\namend-the-tide.md\n"
    assert git(publication, "status", "--porcelain") == "A  staged.md\n"
    assert "commit file" in verbs(publication)


@pytest.mark.parametrize("why", ["hook", "ignored", "no work tree"])
def test_what_is_not_committed_is_written_and_said(
    publication: PublicationFolder, why: str, tmp_path: Path
) -> None:
    if why == "hook":
        hook = publication.articles / ".git/hooks/pre-commit"
        hook.write_text("#!/bin/sh\necho too long >&2\nexit 1\n", "utf-8")
        hook.chmod(0o755)
    elif why == "ignored":
        publication.write(".gitignore", b"*.md\n")
    else:
        (publication.articles / ".git").rename(tmp_path / "elsewhere")
    published = publish(publication, "The tide")
    said = {"hook": "too long", "ignored": "ignored by", "no work tree": "not a git repository"}
    assert said[why] in published.not_committed
    assert verbs(publication)["commit file"] == published.not_committed
    assert (publication.articles / published.path).read_text("utf-8").endswith("Words.\n")
    if why == "hook":
        # Nothing of it is in the index, where it would keep others from `git stash`.
        assert git(publication, "status", "--porcelain") == "?? the-tide.md\n"
        hook.unlink()
        (publication.articles / published.path).unlink()
        assert publish(publication, "The tide", "bob").not_committed == ""


def test_a_title_of_several_lines_is_one_and_no_trailer(publication: PublicationFolder) -> None:
    publish(publication, "The tide\n\nCo-authored-by: Eve <eve@example.org>")
    shown = git(publication, "log", "--format=%s|%b")
    assert shown.strip() == "The tide Co-authored-by: Eve <eve@example.org>|"
