"""Notice that the database is an old copy, and find out what was sent since it was made.

The database is the only record of what was sent: an old one would send everything again. So each
transaction of a sender has a number, its page, which is also kept outside the database, and
backups carry a mark.

    state        the row about this database: its page, whether it is a copy or quarantined
    journal      the files outside it: what each page did, by issue and subscriber
    witness      writes page and journal, after the commit and before anything is handed out
    quarantine   compares the database with them; until a person decides, nothing is planned or sent
    evidence     what they say about what came after a copy, and the stories of issues that were sent
    recovery     what is surely sent, surely not, and in doubt; and what a person decides
    clock_jumps  a clock that is far ahead of the last cycle, and what was skipped while it was
"""
