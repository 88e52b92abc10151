"""Write feeds: articles -> feeds.Channel -> files. Files change only when their content does.

`publish_feeds` of `feed_writer` is the entry point. `change_log` records which articles changed, and
`feed_writer` writes the feeds that this concerns, so the cost depends on what is new. Entries keep their position in each
feed. Entries for which the subscription document has no room move to archive
documents. `websub` notifies hubs.

Nothing is imported here, because the status command needs the tables only, not the templates.
"""
