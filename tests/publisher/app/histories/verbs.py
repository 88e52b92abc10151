"""What subscribers do by the links in their mailboxes, and their owner: in the program and the model.

Each verb calls a use case of the program.
"""

from datetime import timedelta

from publisher.accounts.model import terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.subscribers import access, joining, preferences, unsubscribing
from publisher.app.subscribers.actions import erase_somebody
from publisher.app.subscribers.preferences import EnteredPreferences
from publisher.app.subscribers.records import import_subscribers
from publisher.app.subscribers.unsubscribing import UNDO_PERIOD, LeaveScope
from publisher.clock import FixedClock
from publisher.testing import SECRET
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.model import JoinWish
from subscribers.store import find_subscriber
from tests.publisher.app.histories.model import DAY, EDITIONS, Departure, Move, Person, Request
from tests.publisher.app.histories.play import Letter, Play

_ORIGIN = ConsentOrigin(source=ConsentChannel.MAIL)


class History(Play):
    """A history of what people do."""

    # --- subscribing

    def join(self, address: str, newsletters: tuple[str, ...], language: str) -> None:
        wish = JoinWish(newsletters, language)
        with self._writing() as connection:
            request = joining.SubscriptionRequest(address, wish, _ORIGIN)
            joining.request_subscription(connection, self._settings, request, self.now)
        self._join(address.lower(), newsletters, language)
        self._settle()

    def _join(self, address: str, newsletters: tuple[str, ...], language: str) -> None:
        person = self.model.find(address)
        if person is None:
            states = dict.fromkeys(newsletters, "pending")
            person = Person(address, self.now, (language,), "pending", states)
            self.model.add(person)
        if len([at for at in person.asked if at > self.now - DAY]) >= 3:
            return
        person.asked.append(self.now)
        if person.status == "active" and set(newsletters) <= set(person.active):
            self._expect("already-subscribed", person)
            return
        request = Request(newsletters, language, self.now, person)
        person.requests.append(request)
        self._expect("confirm", person, request)

    def confirm(self, letter: Letter, *, by_code: bool) -> None:
        request = letter.about
        assert isinstance(request, Request)
        one = letter.received
        with self._writing() as connection:
            if by_code and one.code:
                joining.confirm_by_code(
                    connection, self._settings, one.address, one.code, _ORIGIN, self.now
                )
            else:
                joining.confirm_by_link(
                    connection, self._settings, one.links["action"], _ORIGIN, self.now
                )
        person = request.person
        # A code is for the address that it was sent to.
        is_reached = not (by_code and one.code) or person.address == one.address.lower()
        if request.is_open(self.now) and person in self.model.persons and is_reached:
            if person.status != "active":
                had = person.languages if len(person.languages) > 1 else ()
                others = [tag for tag in had if tag != request.language]
                person.languages = (request.language, *others)
            request.confirmed = True
            person.decide(self.now, dict.fromkeys((*request.newsletters, None), "active"))
            self.model.barred.discard(person.address)
            self._expect("welcome", person)
        self._settle()

    def import_again(self, addresses: list[str]) -> None:
        lines = ["email,newsletters\n", *(f"{one},first second\n" for one in addresses)]
        import_subscribers(self._settings, self._database, lines, self.now)
        for address in addresses:
            self._import(address.lower())
        self._settle()

    def _import(self, address: str) -> None:
        person = self.model.find(address)
        if address in self.model.barred or (person and person.status == "left"):
            return
        if person is None:
            states = dict.fromkeys(EDITIONS, "active")
            self.model.add(Person(address, self.now, ("en",), "active", states))
            return
        kept = dict(person.consented)
        names: list[str | None] = [n for n in EDITIONS if person.states.get(n) != "left"]
        person.decide(self.now, dict.fromkeys(names, "active"))
        # A list does not say when its people agreed.
        person.consented = kept

    # --- choosing

    def choose(self, letter: Letter, entered: EnteredPreferences) -> None:
        with self._writing() as connection:
            person = self._reader(connection, letter)
            if person is not None:
                preferences.save_choices(
                    connection, self._settings, person.number, entered, self.now
                )
        if person is not None:
            self._choose(person, entered)
        self._settle()

    def _choose(self, person: Person, entered: EnteredPreferences) -> None:
        changes: dict[str | None, str] = {}
        for name in EDITIONS:
            if name in entered.newsletters:
                changes |= {None: "active", name: "active"}
            else:
                person.cancel_requests(name, self.now)
                if name in person.states:
                    changes[name] = "left"
        self._decide(person, changes)
        self.model.owe_former_edition(person, entered.languages, self.now)
        for name in person.states:
            cadence = entered.cadences.get(name, "") if name in entered.newsletters else ""
            if cadence != person.cadences.get(name, ""):
                person.cadences[name] = cadence
                person.cadence_changes[name] = self.now
        person.languages, person.topics = entered.languages, entered.topics
        person.length, person.timezone = entered.length, entered.timezone
        person.hour = int(entered.hour) if entered.hour else None

    def switch(self, letter: Letter, language: str) -> None:
        with self._writing() as connection:
            person = self._reader(connection, letter)
            if person is not None:
                preferences.switch_language(
                    connection, self._settings, person.number, language, self.now
                )
        if person is not None:
            others = (tag for tag in person.languages if tag != language)
            languages = (language, *others)
            self.model.owe_former_edition(person, languages, self.now)
            person.languages = languages
        self._settle()

    def pause(self, letter: Letter, span: timedelta) -> None:
        """Pause for a time; without one, end the pause."""
        with self._writing() as connection:
            person = self._reader(connection, letter)
            if person is not None and span:
                preferences.pause_mails(connection, person.number, self.now + span, self.now)
            elif person is not None:
                preferences.resume_mails(connection, person.number, self.now)
        if person is not None and span:
            is_same = person.paused_until and self.now - person.paused_until < 31 * DAY
            person.paused_at = person.paused_at if is_same else self.now
            person.paused_until = self.now + span
        elif person is not None and person.is_paused(self.now):
            person.paused_until = self.now
        self._settle()

    # --- leaving

    def leave(self, letter: Letter, scope: LeaveScope) -> None:
        link = unsubscribing.read_leave_link(SECRET, letter.received.links["unsubscribe"])
        assert link is not None
        with self._writing() as connection:
            unsubscribing.leave(connection, link, scope, self.now)
        person = letter.person.current
        if person in self.model.persons:
            newsletter = letter.newsletter if scope is LeaveScope.NEWSLETTER else ""
            self._leave(person, newsletter or None)
        self._settle()

    def _leave(self, person: Person, newsletter: str | None) -> None:
        got_it = person.gets_any
        if newsletter is not None:
            got_it = got_it and newsletter in person.active
        person.cancel_requests(newsletter, self.now)
        changes: dict[str | None, str] = {newsletter: "left"}
        if newsletter is None:
            changes |= dict.fromkeys(person.states, "left")
        before = self._decide(person, changes)
        if before and got_it:
            departure = Departure(newsletter, before, self.now, person.decisions[-1][0])
            self._expect("goodbye", person, departure)

    def undo_leaving(self, letter: Letter) -> None:
        departure, person = letter.about, letter.person
        assert isinstance(departure, Departure)
        link = unsubscribing.read_undo_link(SECRET, letter.received.links["action"])
        assert link is not None
        with self._writing() as connection:
            unsubscribing.undo(connection, link, self.now)
        is_open = letter.is_current and person in self.model.persons
        is_open = is_open and self.now - departure.at <= UNDO_PERIOD
        if is_open and not person.is_past(departure):
            begun = {name: person.consented.get(name, person.created) for name in person.states}
            again = {k: v for k, v in departure.before.items() if v}
            had = person.active
            person.decide(self.now, again)
            for name in {*person.active} - {*had}:
                since = max(departure.at - 31 * DAY, begun[name])
                person.missed.append((name, since, self.now))
            again_active = [departure.newsletter] if departure.newsletter else person.active
            if set(again_active) & set(person.active):
                self._expect("welcome", person)
        self._settle()

    # --- moving

    def ask_to_move(self, letter: Letter, address: str) -> None:
        with self._writing() as connection:
            person = self._reader(connection, letter)
            found = person and find_subscriber(connection, person.address)
            asked = found and access.send_access_link(connection, SECRET, found, "en", self.now)
        if not (person and asked):
            return  # not hers any more, or too often
        self._expect("data", person)
        (mail,) = self._settle()
        with self._writing() as connection:
            token = mail.received.links["action"]
            cookie = access.open_session_by_link(connection, SECRET, token, self.now)
            assert cookie
            found = access.session_subscriber(connection, cookie, self.now)
            assert found
            accepted = access.request_new_address(
                connection, self._settings, SECRET, found, address, self.now
            )
        if accepted:
            move = Move(person, person.address, address.lower(), self.now)
            person.moves = [one for one in person.moves if one.confirmed_at]
            person.moves.append(move)
            if move.new != person.address:
                self._expect("confirm-address", person, move, move.new)
        self._settle()

    def confirm_move(self, letter: Letter) -> None:
        move = letter.about
        assert isinstance(move, Move)
        with self._writing() as connection:
            token = letter.received.links["action"]
            change = access.read_address_link(connection, SECRET, "address", token, self.now)
            if change:
                access.confirm_new_address(connection, self._settings, change, self.now)
        person = move.person
        waits = move in person.moves and not move.confirmed_at and person in self.model.persons
        if waits and self.now < move.at + 3 * DAY and person.status != "left":
            move.confirmed_at = self.now
            self.model.move(person, move.new, self.now)
            self._expect("address-changed", person, move, move.old)
        self._settle()

    def undo_move(self, letter: Letter) -> None:
        move = letter.about
        assert isinstance(move, Move)
        with self._writing() as connection:
            token = letter.received.links["action"]
            change = access.read_address_link(
                connection, SECRET, "undo-address", token, self.now
            )
            if change:
                access.undo_new_address(connection, self._settings, change, self.now)
        person = move.person
        can = move in person.moves and not move.is_undone and person in self.model.persons
        if can and move.confirmed_at and self.now < move.confirmed_at + 7 * DAY:
            for one in person.moves[person.moves.index(move) :]:
                one.is_undone = True
            person.moves = [one for one in person.moves if one.confirmed_at]
            self.model.move(person, move.old, self.now)
        self._settle()

    # --- erasing

    def erase(self, address: str) -> None:
        person = self.model.find(address)
        if person is None:
            return
        state = EditingState(
            settings=self._settings,
            database=self._database,
            secret=SECRET,
            clock=FixedClock(self.now),
        )
        erase_somebody(state, terminal_actor(), address)
        self.model.remove(person)
        self.model.barred.add(person.address)
        for other in self.model.persons:
            other.moves = [
                one for one in other.moves if person.address not in {one.old, one.new}
            ]
        self._settle()
        self._is_nowhere(person)

    def _is_nowhere(self, person: Person) -> None:
        """After VACUUM, no address that she had or wanted is left, but for those of others."""
        others = {
            address
            for one in self.model.persons
            for address in (*one.addresses, *(m.new for m in one.moves))
        }
        mine = person.addresses | {one.new for one in person.moves}
        stored = self.sending.stored_text()
        found = [one for one in mine - others if one in stored]
        assert not found, f"left after erasing: {found}"
