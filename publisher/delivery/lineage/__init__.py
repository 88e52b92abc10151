"""Notice that the database is an old copy, which would send everything again, and find out what was sent since it was made.

Each transaction of a sender has a number, its page, which is also kept outside the database; backups carry a mark.

    witness      the row about this database, its page, and the files outside it: the last page, and what each did
    quarantine   compares the database with them; until a person decides, nothing is planned or sent; clocks ahead
    evidence     what they say about what came after a copy, and the stories of issues that were sent
    recovery     what is surely sent, surely not, and in doubt; and what a person decides
"""
