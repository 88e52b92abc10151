"""Who translates which story by when, and which translations are older than their originals.

model       states of a story in a language, and what decides them. Pure.
words       the words of an original, and what changed in them. Pure.
tables      claims, what each translation was made from, and the old words of originals
staleness   what each translation was made from, noted when articles are picked up
claims      who promised or makes a translation, or gave it up
lookup      one story in a language, or why there is none
listing     stories by languages, with the state of each
translators who wants mails about what came in, and what did
mails       the ledger of these mails
statistics  how late translations come, and who is served in which language
waiting     for which translations an issue waits, and until when
"""
