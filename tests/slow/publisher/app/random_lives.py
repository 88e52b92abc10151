"""Random lives of a publication: real commands, a mail server, kills, and an operator who was told nothing.

A seed decides the acts. A command that fails is followed by what its output names, and by nothing else. After each
command the mails that left are compared with what may leave; at the end, whoever missed an issue finds out why.
"""

from __future__ import annotations

import email
import email.policy
import json
import os
import re
import shutil
import signal
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.main import get_command

from publisher.cli.main import app, main
from publisher.clock import ServerTimer, SystemClock, uptime
from publisher.database import open_database
from publisher.delivery.lineage.witness import FILE as WITNESS
from publisher.delivery.lineage.witness import KEEP_DAYS, set_lineage
from publisher.testing import make_publication
from tests import databases
from tests.killing import die_at
from tests.sizes import by_lane
from tools.servers import MailServer, Received

FIRST_ISSUE = datetime(2026, 1, 9, 8, tzinfo=UTC)
START = FIRST_ISSUE - timedelta(hours=1)
NEWSLETTER = {"name": "daily", "title": {"en": "The day"}, "schedule": "0 8 * * *"}
DELIVERY = """
[delivery]
transport = "smtp"
journal = {journal}
smtp = {{ host = "127.0.0.1", port = {port}, tls = "none", connections = 2, promised = 2 }}
"""
DOUBTS = 4  # mails that a kill leaves in doubt at most
ISSUE = re.compile(r"<(daily-en-[^.]+)\.")  # a Message-ID of an issue, or of a correction
TALE = re.compile(r"Tale \d+")
PROGRAM: Any = get_command(app)
MOST_TRIES = 6  # after which an operator calls somebody
STEPS = 160  # writes to the database that a cycle makes, about


def offered_commands(text: str) -> list[tuple[str, ...]]:
    """Return the commands that an output names, with the options and arguments that it gives."""
    found = re.findall(r"publisher (?=([^`]{1,200}))", " ".join(text.split()))
    return [*dict.fromkeys(filter(None, map(_command_of, found)))]


def _command_of(text: str) -> tuple[str, ...]:
    words, command = [word.strip(".,;:()") for word in text.split()], PROGRAM
    taken: list[str] = []
    while words and (inner := getattr(command, "commands", {}).get(words[0])):
        command = inner
        taken.append(words.pop(0))
    if not taken or hasattr(command, "commands"):
        return ()
    options = {name for one in command.params for name in one.opts}
    needed = sum(one.param_type_name == "argument" and one.required for one in command.params)
    for word in words:
        is_argument = bool(needed) and re.search(r"[-:]", word) is not None
        if word not in options and not is_argument:
            break
        taken.append(word)
        needed -= word not in options
    return tuple(taken)


@dataclass(slots=True)
class Reader:
    """Somebody on the list: since when, until when and by which command, and whether files say that she left."""

    joined: datetime
    left: datetime | None = None
    by: tuple[str, ...] = ()
    is_recorded: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """A backup, or the folders of a machine as they were (a snapshot), and who was on the list then."""

    place: Path
    is_backup: bool
    readers: frozenset[str]


class Life:
    """A publication, what left it, and what its operator was told."""

    def __init__(self, seed: int, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.random, self.folder, self.patch = Random(seed), folder, patch
        self.server = MailServer(on_message=self.on_message)
        # The true time, and how far the clock is from it.
        self.now, self.ahead = START, timedelta()
        self.acts: list[str] = []
        self.readers: dict[str, Reader] = {}
        self.tales: dict[str, datetime] = {}
        self.withdrawn: set[str] = set()
        self.copies: list[Copy] = []
        # How often each address got each issue, and by which one it got each story.
        self.got: Counter[tuple[str, str]] = Counter()
        self.read: dict[tuple[str, str], str] = {}
        # When the first mail of each issue came, and the stories of its mails.
        self.opened: dict[str, datetime] = {}
        self.carried: defaultdict[str, set[str]] = defaultdict(set)
        # What the operator said of issues in `recover`, and whose stories come again, as she was told.
        self.said: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.repeated: set[str] = set()
        self.kills = self.made = self.seen = 0
        # The process that is killed when the server accepts its message of this number.
        self.victim, self.messages_left = 0, 0
        self.has_second, self.has_journal = (self.random.random() < 0.85 for _ in range(2))
        # Whether the files beside the database may lack something, and whether every recovery knew all.
        self.has_lost, self.is_complete = not self.has_journal, True
        self.machines = [folder / "lantern"]
        self.base = self.root / databases.DATABASE_FILE
        for name in ("PUBLISHER_SECRET", "STATE_DIRECTORY"):
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "500")
        patch.setattr(SystemClock, "now", lambda _self: self.now + self.ahead)
        patch.setattr("publisher.clock.is_synchronised", lambda: False)
        # Days pass on the server, too: leases of killed processes end.
        patch.setattr(ServerTimer, "time", lambda _self: self.now.timestamp() + uptime())

    def begin(self, empty: Path) -> None:
        """Lay out the publication with its first readers and stories, and run a cycle before the first issue."""
        self.write_settings()
        self.base.parent.mkdir()
        databases.copy_test_database(empty, self.base)
        self.use(self.base)
        with (
            closing(open_database(databases.database_address(self.base))) as made,
            made.writing() as one,
        ):
            set_lineage(one, made_at=START)
        self.join(4)
        self.write(3)
        self.get_through("run", "--once")

    def begin_as(self, other: Life) -> None:
        """Begin with a copy of one that has begun."""
        shutil.copytree(other.root, self.root)
        databases.copy_test_database(other.base, self.base)
        self.use(self.base)
        self.write_settings()
        self.readers = {name: replace(one) for name, one in other.readers.items()}
        self.tales, self.made = dict(other.tales), other.made

    def write_settings(self) -> None:
        make_publication(self.root, languages=["en"], newsletters=[NEWSLETTER])
        text = DELIVERY.format(journal=json.dumps(self.has_journal), port=self.server.port)
        with (self.root / "publication.toml").open("a") as file:
            file.write(text)

    @property
    def root(self) -> Path:
        """The folder of the machine that works now."""
        return self.machines[0]

    @property
    def state_folder(self) -> Path:
        """Where this machine has the second witness and journal."""
        return self.folder / f"state-of-{self.root.name}"

    def use(self, base: Path) -> None:
        """Have commands find a database by its path."""
        self.base = base
        if databases.on_postgresql():
            self.patch.setenv("PUBLISHER_DATABASE", str(databases.database_address(base)))

    def live(self) -> None:
        """Do some acts, drawn by their weights."""
        weights = WEIGHTS | ({Life.change_machine: 3} if databases.on_postgresql() else {})
        number = self.random.randint(*by_lane((5, 9), (8, 15)))
        for act in self.random.choices([*weights], [*weights.values()], k=number):
            self.acts.append(f"{self.now:%m-%d %H:%M} {act.__name__}")
            act(self)
        self.acts.append("end")
        self.end()

    # --- commands

    def run(self, *words: object, **kill: int) -> tuple[int, str]:
        """Run a command; with `step` or `message` in a process that is killed there. Return its code and output."""
        if self.has_second:
            self.patch.setenv("XDG_STATE_HOME", str(self.state_folder))
        self.acts.append("    " + " ".join(map(str, words)))
        given = [*map(str, words), str(self.root)]
        code, text = self.run_and_kill(given, **kill) if kill else _run_here(given)
        if "Take who was erased off your lists" in text:
            for name in self.erased():
                del self.readers[name]
        if code:
            self.acts.append(f"        {code}: {' '.join(text.split())[-700:]}")
        self.require("Traceback" not in text and code != 70, "a fault of the program")
        self.look()
        return code, text

    def run_and_kill(
        self, words: list[str], step: int = 0, message: int = 0
    ) -> tuple[int, str]:
        log = self.folder / "killed.log"
        self.messages_left = message
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads: the child needs none of them.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.victim = os.fork()
        if not self.victim:
            code = 70
            try:
                if step:
                    die_at(step)
                code, text = _run_here(words)
                log.write_text(text)
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(self.victim, 0)[1])
        self.victim = 0
        self.server.wait_for_quiet()
        self.kills += code < 0
        return code, log.read_text() if code >= 0 else ""

    def on_message(self, _message: Received) -> None:
        """Kill the victim when the server takes the message of its number, before the reply."""
        self.messages_left -= 1
        if self.victim and self.messages_left == 0:
            os.kill(self.victim, signal.SIGKILL)

    def get_through(self, *words: object) -> None:
        """Run a command until it works, and do meanwhile what its output names."""
        tried = set[bytes]()
        is_done = any(self.attempt(*words, tried=tried) for _try in range(MOST_TRIES))
        self.require(is_done, "no remedy helps")
        self.record_departures(words[0] in {"run", "deliver"})

    def attempt(self, *words: object, tried: set[bytes] | None = None) -> bool:
        """Run a command; if it does not work, do what its output names. `tried` are secrets that were of no use."""
        code, text = self.run(*words)
        if code:
            is_told = self.follow(text, set() if tried is None else tried)
            self.require(is_told, f"names no remedy: {text}")
        return code == 0

    def follow(self, text: str, tried: set[bytes]) -> bool:
        """Do what an output says; return whether it says anything."""
        secret = self.root / "var" / "secret"
        if self.ahead and "set it" in text and self.random.random() < 0.8:
            self.ahead = timedelta()
        elif "copy var/secret" in text and (kept := self.kept_secrets() - tried):
            secret.write_bytes(min(kept))
            tried.add(min(kept))
        elif "was erased" in text:
            lines = dict(enumerate((self.folder / "list.csv").read_text().splitlines(), 1))
            for number in re.findall(r"line (\d+): email: was erased", text):
                del lines[int(number)]
            (self.folder / "list.csv").write_text("\n".join(lines.values()))
        elif "move var/secret away" in text:
            secret.rename(secret.with_name(f"secret-away-{len(self.acts)}"))
        elif "into an empty database" in text:
            place = self.new_place()
            databases.new_database(place)
            self.use(place)
        else:
            for one in (offered := offered_commands(text)):
                mine = {"recover": self.recover, "restore": self.restore}.get(one[0])
                mine() if mine else self.run(*one)
            return bool(offered)
        return True

    def kept_secrets(self) -> set[bytes]:
        """Return the secrets of backups and of the other machine."""
        found = [one.place / "secret" for one in self.copies if one.is_backup]
        found += [one / "var" / "secret" for one in self.machines[1:]]
        return {one.read_bytes() for one in found if one.exists()}

    def new_place(self) -> Path:
        self.made += 1
        return self.folder / f"copy-{self.made}" / "publisher.db"

    # --- what happens

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            name = f"Tale {len(self.tales) + 1}"
            self.tales[name] = self.now
            file = self.root / "articles" / "en" / f"{name.lower().replace(' ', '-')}.md"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"---\ntitle: {name}\ndate: {self.now.date()}\n---\nWords.\n")

    def pass_days(self, days: int) -> None:
        self.now = datetime.combine(self.now + timedelta(days=days), FIRST_ISSUE.timetz())
        self.now += timedelta(minutes=self.random.choice((1, 50)))

    def day(self) -> None:
        """A day passes, a story is written, and its issue goes out."""
        self.pass_days(1)
        self.write()
        self.get_through("run", "--once")

    def send(self) -> None:
        self.now += timedelta(minutes=10)
        self.get_through("deliver")

    def stand_still(self) -> None:
        """Nothing runs for some days."""
        self.pass_days(self.random.choice((1, 2, 5)))
        self.day()

    def be_killed(self) -> None:
        words = ["deliver"]
        if self.random.random() < 0.8:
            self.pass_days(1)
            self.write()
            words = ["run", "--once"]
        what, most = self.random.choice((("step", STEPS), ("message", len(self.readers))))
        self.run(*words, **{what: 1 + int(most * self.random.random() ** 1.5)})
        if self.random.random() < 0.7:
            self.get_through(*words)

    def join(self, count: int = 1) -> None:
        """Import the whole list, with new readers and with those who left."""
        for _ in range(count):
            self.made += 1
            self.readers[f"reader-{self.made}@example.com"] = Reader(self.now)
        rows = "".join(f"{one},en,daily\n" for one in self.readers)
        (self.folder / "list.csv").write_text(f"email,language,newsletters\n{rows}")
        self.get_through("subscribers", "import", self.folder / "list.csv")

    def leave(self, *words: str) -> None:
        if active := [name for name, one in self.readers.items() if not one.left]:
            name, words = self.random.choice(active), words or ("unsubscribe",)
            self.get_through("subscribers", *words, name)
            self.readers[name].left, self.readers[name].by = self.now, words

    def be_erased(self) -> None:
        self.leave("erase", "--yes")

    def erased(self) -> list[str]:
        return [name for name, one in self.readers.items() if "erase" in one.by]

    def record_departures(self, is_recording: bool = True) -> None:
        for one in self.readers.values():
            one.is_recorded |= is_recording and self.has_journal and one.left is not None

    def correct(self) -> None:
        """Correct an issue that somebody got; one that a restored database does not know can't be."""
        if names := sorted({name for _who, name in self.got if "correction" not in name}):
            (self.folder / "erratum.md").write_text(f"It was *{len(self.acts)}*.\n")
            words = ("--subject", "Erratum", "--text", self.folder / "erratum.md")
            day = self.random.choice(names)[-10:]
            self.attempt("issues", "correct", "daily", day, "--lang", "en", *words)

    def withdraw(self) -> None:
        if there := sorted((self.root / "articles" / "en").iterdir()):
            file = self.random.choice(there)
            file.unlink()
            self.withdrawn.add(file.stem.capitalize().replace("-", " "))
            self.get_through("run", "--once")

    def set_clock_wrong(self) -> None:
        """A cycle runs by a wrong clock; then somebody sets it right."""
        self.ahead = timedelta(days=self.random.choice((-400, -3, -1, 1, 3, 40, 400)))
        self.has_lost |= abs(self.ahead.days) > KEEP_DAYS  # some are deleted as old
        self.get_through("run", "--once")
        self.ahead = timedelta()
        self.now += timedelta(minutes=20)
        self.get_through("run", "--once")

    def lose_secret(self) -> None:
        (self.root / "var" / "secret").unlink(missing_ok=True)
        self.get_through("deliver")

    def lose_journal(self) -> None:
        for folder in (self.root / "var", *self.state_folder.glob("*/*")):
            shutil.rmtree(folder / "journal", ignore_errors=True)
        self.has_lost = True

    def decide_doubts(self) -> None:
        """Look for the Message-IDs in the server's log, and decide."""
        accepted = {one.message_id for one in self.server.messages}
        for one in self.list_doubts():
            was_got = self.got[one["address"], one["issue"]] > 0
            is_sent = one["message_id"] in accepted if one["message_id"] else was_got
            verb = "mark-sent" if is_sent else "resend"
            if one["address"]:  # who was erased has none
                self.attempt("doubt", verb, one["issue"], "--to", one["address"])
        self.get_through("deliver")

    def list_doubts(self) -> list[dict[str, str]]:
        return list(json.loads(self.run("doubt", "list", "--json")[1]))

    def change_machine(self) -> None:
        """Go on at the other machine, which has a `var` of its own."""
        self.get_through("run", "--once")  # one that was killed leads until the next day
        if len(self.machines) == 1:
            other = self.root.with_name("elsewhere")
            (other / "var").mkdir(parents=True)
            for name in ("publication.toml", "articles", "public"):
                (other / name).symlink_to(self.root / name)
            shutil.copyfile(self.root / "var" / "secret", other / "var" / "secret")
            self.machines.append(other)
        self.machines.reverse()

    def back_up(self) -> None:
        self.now += timedelta(seconds=1)
        if self.attempt("backup", self.folder / "backups"):
            made = max((self.folder / "backups").iterdir())
            self.copies.append(Copy(made, True, frozenset(self.readers)))

    def take_snapshot(self) -> None:
        """Copy all of the machine's folders, but for articles, which lie elsewhere; or a database."""
        if not self.has_second:
            return
        place = self.new_place()
        if databases.on_postgresql():
            databases.copy_test_database(self.base, place)
        else:
            _copy_folders(self.root, place.parent)
        self.copies.append(Copy(place, False, frozenset(self.readers)))

    def restore(self) -> None:
        """Put a copy back, and do what the outputs say."""
        if not self.copies:
            return
        copy = self.random.choice(self.copies)
        self.readers = {name: one for name, one in self.readers.items() if name in copy.readers}
        if copy.is_backup:
            self.get_through("restore", copy.place)
            self.record_departures(not databases.on_postgresql())
        elif databases.on_postgresql():
            place = self.new_place()
            databases.copy_test_database(copy.place, place)
            self.use(place)
        else:
            _copy_folders(copy.place.parent, self.root)
        # Who left when no run recorded it gets mail again, as the documentation says.
        for name in [x for x, one in self.readers.items() if one.left and not one.is_recorded]:
            del self.readers[name]
        self.get_through(*self.random.choice((("deliver",), ("run", "--once"))))

    def recover(self) -> None:
        """See what is known, decide about some issues, and release."""
        named: list[object] = []
        if "--journal" in self.run("recover")[1]:
            # Those that have sent: a machine that never did is like one that has lost its files.
            senders = [one / "var" for one in self.machines if (one / "var" / WITNESS).exists()]
            named = [word for one in senders for word in ("--journal", one)]
        code, text = self.run("recover", "--json", *named)
        if code:
            self.require(self.follow(text, set()), f"names no remedy: {text}")
            return
        found = json.loads(text)
        self.is_complete &= found["complete"]
        choices = [*self.choose(found["issues"])]
        code, text = self.run("recover", "--release", *named, *choices)
        self.require(code == 0, "not released")
        self.has_lost |= "This var/ has no witness" in text
        if "take them off by hand" in text:
            for name in [name for name, one in self.readers.items() if one.left]:
                self.run("subscribers", *self.readers[name].by, name)

    def choose(self, issues: Sequence[dict[str, Any]]) -> Iterator[str]:
        """Yield options of `recover`: most issues are not named, as by somebody who was told nothing."""
        for one in issues:
            name, is_begun = one["issue"], one["sent"] or one["in_doubt"]
            verbs = ["", "--sent", "--send", "--hold"]
            # What somebody has, or what is over, can't be skipped.
            is_over = one["state"] in {None, "sent", "partial", "failed", "cancelled"}
            verbs += [] if is_begun or is_over else ["--skip"]
            verb = self.random.choice(verbs if one["state"] else verbs[:1])
            verb = verb if self.random.random() < 0.3 else ""
            if verb != "--sent" and "may have been sent" in (one["reason"] or ""):
                self.repeated.add(name)
            if verb:
                self.said[name][verb] += 1
                yield verb
                yield name

    # --- what must be true

    def require(self, is_so: bool, what: str) -> None:
        assert is_so, "\n".join([what, *self.acts])

    def look(self) -> None:
        """Compare what has left since the last look with what may leave."""
        messages = self.server.messages
        for one in messages[self.seen :]:
            if found := ISSUE.search(one.message_id):
                self.look_at(one.recipient, found[1], _tales(one))
        self.seen = len(messages)

    def look_at(self, who: str, issue: str, tales: set[str]) -> None:
        self.opened.setdefault(issue, self.now)
        self.got[who, issue] += 1
        most = 1 + self.said[issue]["--send"]
        self.require(self.got[who, issue] <= most, f"{who} got {issue} twice")
        reader = self.readers.get(who)
        self.require(not (reader and reader.left), f"{who} had left, and got {issue}")
        if "correction" in issue:
            return
        self.carried[issue] |= tales
        for tale in tales:
            before = self.read.setdefault((who, tale), issue)
            is_told = before == issue or bool({before, issue} & self.repeated)
            self.require(is_told, f"{who} got {tale} by {before} and {issue}")

    def end(self) -> None:
        """Let a day pass, and account for every mail that did not come."""
        self.day()
        for number in range((self.now - FIRST_ISSUE).days + 1):
            self.account_for(FIRST_ISSUE + timedelta(days=number))
        for who, tale in self.missed_tales():
            names = {name for name, tales in self.carried.items() if tale in tales}
            is_known = names and not any(self.got[who, name] for name in names)
            # Of what no issue has, nobody knows which issue would have had it.
            is_said = any(self.said[name] for name in names or [*self.said])
            self.require(bool(is_known) or is_said, f"{who} missed {tale} of {sorted(names)}")
        self.require(self.is_complete or self.has_lost, "a gap")
        if gone := self.erased():
            listed = self.run("subscribers", "list")[1]
            self.require(not any(name in listed for name in gone), "who was erased is back")
        if self.is_complete:
            self.require(len(self.list_doubts()) <= self.kills * DOUBTS, "too many doubts")

    def account_for(self, due: datetime) -> None:
        """Require that `issues show` says why active readers did not get an issue."""
        name = f"daily-en-{due.date()}"
        # By a clock that was ahead it came before its hour.
        at = min(due, self.opened.get(name, due))
        active = [who for who, one in self.readers.items() if one.joined < at and not one.left]
        missed = [who for who in active if not self.got[who, name] and self.lacks(who, name)]
        if not missed or self.said[name]["--sent"]:
            return
        code, text = self.run("issues", "show", "daily", due.date(), "--lang", "en")
        reason = rf"^{name}: (skipped|cancelled|scheduled): \S|^ +held: "
        if code == 0 and re.search(reason, text, re.MULTILINE):
            return
        code, found = self.run("deliveries", name, "--json")
        self.require(code == 0, f"{missed} missed {name}, told: {text}")
        states = {one["address"]: one["state"].replace("_", " ") for one in json.loads(found)}
        text += " waiting: " * (f"{name}: paused: " in text)  # it has no reason of its own
        for who in missed:
            state = states.get(who, "no row")
            self.require(f" {state}: " in text, f"{who} missed {name} ({state}), told: {text}")

    def lacks(self, who: str, name: str) -> bool:
        tales = self.carried[name]
        return not tales or any((who, tale) not in self.read for tale in tales)

    def missed_tales(self) -> Iterator[tuple[str, str]]:
        """Yield the stories that an active reader did not get though she was there when they were written."""
        due = self.now - timedelta(hours=1)
        written = {name: at for name, at in self.tales.items() if name not in self.withdrawn}
        active = {who: one.joined for who, one in self.readers.items() if not one.left}
        for (who, joined), (tale, at) in product(active.items(), written.items()):
            if joined < at < due and (who, tale) not in self.read:
                yield who, tale


def _run_here(words: list[str]) -> tuple[int, str]:
    text = StringIO()
    with redirect_stdout(text), redirect_stderr(text):
        return main(words), text.getvalue()


def _copy_folders(source: Path, target: Path) -> None:
    for name in ("var", "public"):
        shutil.rmtree(target / name, ignore_errors=True)
        shutil.copytree(source / name, target / name)


def _tales(message: Received) -> set[str]:
    read = email.message_from_bytes(message.content, policy=email.policy.default)
    body = read.get_body(("plain",))
    return {*TALE.findall(body.get_content())} if body else set()


_RARE = (Life.send, Life.stand_still, Life.lose_secret, Life.lose_journal, Life.be_erased)
WEIGHTS = dict.fromkeys((*_RARE, Life.correct, Life.withdraw, Life.decide_doubts), 1)
WEIGHTS |= dict.fromkeys((Life.take_snapshot, Life.set_clock_wrong, Life.join, Life.leave), 2)
WEIGHTS |= {Life.back_up: 3, Life.day: 4, Life.restore: 4, Life.be_killed: 5}
