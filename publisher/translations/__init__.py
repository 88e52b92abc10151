"""Who translates which story by when, and which translations are older than their originals.

model        states of a story in a language, what decides them, and the words of an original. Pure.
tables       claims, what translations were made from, old words of originals, mails to translators
records      who promised or makes a translation, and from which words each was made
listing      stories by languages, with the state of each
translators  who wants mails about what came in, what did, and the ledger of these mails
delays       for which translations an issue waits and until when, and how late they come
"""
