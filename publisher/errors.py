"""The errors that the application raises, and the exit code of each.

Attributes have the details; `str()` is the message, in one line. A few packages define errors of their own
below these: those of sending are below DeliveryError, in `publisher.delivery`.
"""

from typing import ClassVar, Self

from publisher.i18n.messages import Sentence, counted, joined, message, untranslated


class PublisherError(Exception):
    """An error that the user can fix; `str()` says what and where."""

    exit_code: ClassVar[int] = 1
    # Whether everything else that a cycle does would meet the same error.
    stops_all: ClassVar[bool] = False

    @classmethod
    def saying(cls, template: str, **values: object) -> Self:
        """Return an error with a sentence that pages show in other languages; see `i18n.messages.message`."""
        return cls(message(template, **values))


class ConfigError(PublisherError):
    """A setting is wrong: file, key, problem and remedy."""

    exit_code = 2

    def __init__(self, file: str, key: str, problem: str, remedy: str) -> None:
        where = f"{file}: {key}" if key else file
        what = joined(_sentence(problem), _sentence(remedy))
        super().__init__(message("%(where)s: %(problem)s", where=where, problem=what))
        self.file = file
        self.key = key
        self.problem = problem
        self.remedy = remedy


def _sentence(text: str) -> Sentence:
    """Return a text as a value that pages translate, or mark as English."""
    return text if isinstance(text, Sentence) else untranslated(text)


class ChangedFileError(ConfigError):
    """A file of settings is no longer the one that was read: somebody else has changed it."""

    exit_code = 1


class LanguageError(PublisherError):
    """A language tag is malformed (BCP 47) or not registered."""

    def __init__(self, tag: str) -> None:
        super().__init__(
            message(
                "%(tag)s is not a language tag; write one like en, zh-Hans or pt-BR",
                tag=repr(tag),
            )
        )
        self.tag = tag


class ArticleError(PublisherError):
    """An article can't be read; the quarantine shows the message."""


class EmptyArticleError(ArticleError):
    """A document has no text and no picture."""


class SourceError(PublisherError):
    """A source can't be read; its articles stay unchanged."""


class IssueError(PublisherError):
    """An issue can't be made, found or changed."""


class EditConflictError(IssueError):
    """Somebody has changed an issue since what an edit is about was read."""


class TransitionError(IssueError):
    """An issue can't change from one state to another."""

    def __init__(self, source: str, target: str) -> None:
        super().__init__(f"an issue can't go from {source} to {target}")
        self.source = source
        self.target = target


class ConsentError(PublisherError):
    """A subscription that the owner may not change for the subscriber."""


class AccountError(PublisherError):
    """An account, or a way to sign in to it, can't be made or changed in this way."""


class SignInError(AccountError):
    """A step of a sign-in, or a change of how to sign in, is refused: `key` says why, for pages.

    `wrong`: what was shown is not right; `over`: begin again; `wait`: too many tries, until `seconds`
    have passed; `prove`: show a factor again first; `last`: nothing would be left to sign in with; those
    of a provider (`app.accounts.openid`); else a fault of a password (`publisher.accounts.passwords`).
    """

    def __init__(self, key: str, seconds: int = 0) -> None:
        super().__init__(f"the sign-in is refused: {key}")
        self.key = key
        self.seconds = seconds


class TranslationError(PublisherError):
    """A translation can't be claimed, given up or taken for up to date, or there is no such story."""


class DraftError(PublisherError):
    """A draft can't be begun, stored or published in this way."""


class DraftGoneError(DraftError):
    """A draft was published or discarded, or never was."""


class DraftConflictError(DraftError):
    """Somebody has changed a draft, its file or its original since it was read; `kind` says which: draft, file or original."""

    def __init__(self, kind: str) -> None:
        super().__init__(message("somebody has changed it meanwhile; read it, and try again"))
        self.kind = kind


class CommandError(PublisherError):
    """A program of the publication's own, or git, did not do what it was asked for; says why."""

    def __init__(self, command: str, reason: str) -> None:
        why = untranslated(reason)
        super().__init__(message("%(command)s: failed: %(why)s", command=command, why=why))


class ForbiddenError(PublisherError):
    """Somebody's roles do not permit what was asked for: a permission, perhaps in one language."""

    def __init__(self, name: str, permission: str, language: str | None) -> None:
        given = {"name": name, "permission": permission, "language": language}
        super().__init__(
            message(
                "%(name)s: has no role that permits %(permission)s in %(language)s", **given
            )
            if language
            else message("%(name)s: has no role that permits %(permission)s", **given)
        )
        self.permission = permission
        self.language = language


class RenderingError(PublisherError):
    """A template or the CSS inliner failed."""


class SandboxError(RenderingError):
    """The process of own templates could not be used: a machine that is busy, or a template that takes too much."""


class GateError(PublisherError):
    """An issue's mail failed the checks: number of errors, and the first one."""

    def __init__(self, issue: str, errors: int, first: str) -> None:
        self.reason = counted(
            "its mail has %(count)s error: %(first)s; `publisher check` shows them all",
            "its mail has %(count)s errors, the first: %(first)s; `publisher check` shows them all",
            errors,
            first=_sentence(first),
        )
        super().__init__(message("%(issue)s: %(why)s", issue=issue, why=self.reason))
        self.issue = issue
        self.errors = errors
        self.first = first


class DeliveryError(PublisherError):
    """A message can't be composed, written or sent."""


class DatabaseError(PublisherError):
    """The state can't be opened, read, copied or upgraded."""

    stops_all = True


class WriterUnavailableError(DatabaseError):
    """A change could not be stored now; the caller may try again."""


class ServerAwayError(DatabaseError):
    """The database's server answers nobody now: it restarts, or its address is wrong."""


class LeaderLostError(DatabaseError):
    """Another process leads: this one was stopped, or could not reach the database, for too long."""

    def __init__(self) -> None:
        super().__init__(
            "another process plans and writes files now; this one changes nothing more"
        )


class LostStateError(DatabaseError):
    """The database is empty beside a file that was written with another one."""

    def __init__(self, database: str, file: str) -> None:
        super().__init__(
            f"{database}: there is no record of anything, but {file} was written with another database. Bring the "
            "database back with `publisher restore`; if this is a new start, add --new-start: issues "
            "whose pages are there are not sent again"
        )


class MailboxError(PublisherError):
    """A mailbox that can't be read."""


class ApiRequestError(PublisherError):
    """A request of the API that can't be carried out as it is; `status` is that of HTTP."""

    def __init__(self, detail: str, status: int) -> None:
        super().__init__(detail)
        self.status = status


class RepeatedFormError(PublisherError):
    """A form was sent and carried out before, so it is not carried out again."""

    def __init__(self) -> None:
        super().__init__(
            message(
                "this form was sent before, and was carried out once; what its answer showed once is not shown again. To send another one, open its page again"
            )
        )


class WebhookError(PublisherError):
    """An address that no webhook may have, or one that does not lead to the public net."""


class StorageError(PublisherError):
    """A file of the publication can't be written: the disk is full, or permissions forbid it."""

    stops_all = True


class BucketError(PublisherError):
    """The bucket can't be read or written. What is below public/ goes there at a later cycle."""


class LimitError(PublisherError):
    """Something was asked for too often; `retry_after` is in seconds."""

    def __init__(self, limit: str, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        later = counted(
            "try again in %(count)s minute", "try again in %(count)s minutes", minutes
        )
        super().__init__(joined(limit, later))
        self.retry_after = retry_after


class BusyError(PublisherError):
    """Another process runs this publication."""

    def __init__(self, directory: str, process: str) -> None:
        super().__init__(f"{directory}: process {process} is running this publication already")
        self.process = process


class UsageError(PublisherError):
    """A command has wrong arguments."""

    exit_code = 2
