"""WRITE FEEDS: articles -> feeds.Channel -> files that change only when they must.

A turn takes note of the articles that changed (`arrivals`), and writes the feeds that are due
because of it (`publishing`): it costs what is new, not what there is. Feeds remember: each is a
sequence of places; what no longer fits into the document that readers poll is closed in archive
documents (`closing`). Knows no issue and no mail.

Gathers nothing here: who only asks how feeds stand (`pings`, `shelf`) needs no templates.
"""
